package import ArchiveBytes
internal import BackupProtocol

/// Reads a VMDK whose descriptor is a file of its own, and whose data is in others.
package final class VMDKExtentsReader: DiskReader {
  private let extents: [VMDKDescriptor.Extent]
  private let windows: [SourceWindow?]
  package let capacityBytes: UInt64

  /// - Parameter file: Gives a file that an extent names. The name is hostile: it must be looked up
  ///   among files that belong to the disk.
  /// - Throws: E_CORRUPT, E_UNSUPPORTED; what `file` throws.
  package init(
    _ descriptor: VMDKDescriptor, file: (String) throws(ArchiveError) -> SourceWindow
  ) throws(ArchiveError) {
    guard !descriptor.hasParent else {
      throw ArchiveError(.unsupported, "differencing VMDK")
    }
    guard descriptor.capacityBytes > 0 else {
      throw .corrupt("no extent in the VMDK descriptor")
    }
    extents = descriptor.extents
    capacityBytes = descriptor.capacityBytes
    var windows: [SourceWindow?] = []
    for extent in extents { windows.append(try Self.window(extent, file)) }
    self.windows = windows
  }

  private static func window(
    _ extent: VMDKDescriptor.Extent, _ file: (String) throws(ArchiveError) -> SourceWindow
  ) throws(ArchiveError) -> SourceWindow? {
    switch extent.kind {
    case .zero: return nil
    case .vmfsSparse:
      throw ArchiveError(.unsupported, "VMDK with an extent of kind VMFSSPARSE")
    case .sparse: return try file(extent.name)
    case .flat, .vmfs:
      let whole = try file(extent.name)
      let (start, isTooLarge) = extent.offset.multipliedReportingOverflow(by: 512)
      let count = extent.sectors * 512
      guard !isTooLarge, start <= whole.byteCount, count <= whole.byteCount - start else {
        throw .corrupt("an extent of the VMDK is beyond the end of its file")
      }
      return SourceWindow(whole, start: start, byteCount: count)
    }
  }

  package func read(to sink: any ClusterSink) throws(ArchiveError) {
    try read(0..<capacityBytes, to: sink)
  }

  package func read(_ range: Range<UInt64>, to sink: any ClusterSink) throws(ArchiveError) {
    let joined = JoiningSink(ClusterAssembler(sink, range))
    var start: UInt64 = 0
    for (extent, window) in zip(extents, windows) {
      let count = extent.sectors * 512
      defer { start += count }
      let wanted = (start..<(start + count)).clamped(to: range)
      guard !wanted.isEmpty, let window else { continue }
      // Whole clusters of the extent, which are others than those of the disk.
      let bytes = UInt64(ClusterAssembler.clusterBytes)
      let first = (wanted.lowerBound - start) / bytes * bytes
      let end = min(count, (wanted.upperBound - start + bytes - 1) / bytes * bytes)
      joined.position = start + first
      try reader(extent, window, count).read(first..<end, to: joined)
    }
    try joined.finish()
  }

  private func reader(
    _ extent: VMDKDescriptor.Extent, _ window: SourceWindow, _ count: UInt64
  ) throws(ArchiveError) -> any DiskReader {
    guard extent.kind == .sparse else { return FlatReader(window, capacityBytes: count) }
    let reader = try VMDKTableReader(window)
    guard reader.capacityBytes == count else {
      throw .corrupt("the size of an extent of the VMDK does not match its descriptor")
    }
    return reader
  }
}

/// Takes parts of a disk one after the other, wherever in a cluster they end.
@safe private final class JoiningSink: ClusterSink {
  let pieceBytesMax = ClusterAssembler.clusterBytes
  private let assembler: ClusterAssembler
  /// Where in the disk the next bytes belong.
  var position: UInt64 = 0
  private let buffer: UnsafeMutableRawBufferPointer

  init(_ assembler: ClusterAssembler) {
    self.assembler = assembler
    unsafe buffer = .allocate(byteCount: ClusterAssembler.clusterBytes, alignment: 4096)
  }

  deinit { unsafe buffer.deallocate() }

  func zeros(_ count: UInt64, _ kind: Extent.Kind) throws(ArchiveError) { position += count }

  /// What comes is from an assembler, whose masks say that all of it is data.
  func data(
    _ count: Int, masks: Span<BlockMask>,
    _ fill: (inout MutableRawSpan) throws(ArchiveError) -> Void
  ) throws(ArchiveError) {
    let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
    var span = unsafe MutableRawSpan(_unsafeBytes: part)
    try fill(&span)
    try unsafe assembler.put(UnsafeRawBufferPointer(part), at: position)
    position += UInt64(count)
  }

  func finish() throws(ArchiveError) { try assembler.finish() }
}
