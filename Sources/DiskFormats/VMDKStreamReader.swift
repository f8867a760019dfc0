package import ArchiveBytes
internal import BackupProtocol

/// Reads a stream-optimised VMDK from its start to its end: grains by their markers.
///
/// VirtualBox, VMware, open-vmdk and we write grains ascending, and so does `qemu-img`, whose file
/// has no marker but those of grains; others need ``VMDKTableReader``.
package final class VMDKStreamReader {
  package let header: VMDKHeader
  private let source: any ByteSource
  /// Sectors from the header on that were read.
  private var sectors: UInt64 = 1
  private var sector = [UInt8](repeating: 0, count: 512)
  private var nextGrain: UInt64 = 0

  /// - Parameter source: Stands at the header.
  /// - Throws: E_CORRUPT, E_UNSUPPORTED.
  package init(_ source: any ByteSource) throws(ArchiveError) {
    self.source = source
    var bytes = [UInt8](repeating: 0, count: VMDKHeader.byteCount)
    try source.fill(&bytes, "the header of a VMDK")
    header = try VMDKHeader(parsing: bytes)
    guard header.isCompressed else {
      throw ArchiveError(
        .unsupported, "a sparse VMDK cannot be read from a pipe; use a file")
    }
  }

  /// Reads the disk, and up to the end of the stream or of the source.
  ///
  /// - Throws: E_CORRUPT; E_UNSUPPORTED if grains do not ascend.
  package func read(to sink: any ClusterSink) throws(ArchiveError) {
    let decoder = try GrainDecoder(grainBytes: header.grainBytes)
    let assembler = ClusterAssembler(sink, 0..<header.capacityBytes)
    guard header.overheadSectors >= sectors else {
      throw .corrupt("invalid grain offset of the VMDK")
    }
    try pass(header.overheadSectors - sectors)
    while try readMarker() {
      let size = sector.little(UInt32.self, at: 8)
      if size > 0 {
        try readGrain(Int(size), decoder, assembler)
      } else {
        let type = sector.little(UInt32.self, at: 12)
        if type == 0 { break }
        guard type <= 4 else { throw .corrupt("the VMDK has a marker of type \(type)") }
        let count = sector.little(UInt64.self, at: 0)
        guard count <= 1 << 32 else { throw .corrupt("invalid size in a marker of the VMDK") }
        try pass(count)
      }
    }
    try assembler.finish()
  }

  /// - Returns: Whether there is one: files of some writers just end.
  private func readMarker() throws(ArchiveError) -> Bool {
    let done = try source.fillUpTo(&sector)
    sectors += 1
    if done == 0, header.directoryOffset != VMDKHeader.directoryAtEnd { return false }
    guard done == sector.count else { throw .corrupt("the VMDK is truncated: no end marker") }
    return true
  }

  private func readGrain(
    _ size: Int, _ decoder: GrainDecoder, _ assembler: ClusterAssembler
  ) throws(ArchiveError) {
    let lba = sector.little(UInt64.self, at: 0)
    guard lba % header.grainSectors == 0, lba < header.capacity else {
      throw .corrupt("invalid sector \(lba) of a grain of the VMDK")
    }
    guard lba / header.grainSectors >= nextGrain else {
      throw ArchiveError(
        .unsupported, "the VMDK's grains are out of order; use a file")
    }
    nextGrain = lba / header.grainSectors + 1
    guard size <= GrainDecoder.inputBytesMax(grainBytes: header.grainBytes) else {
      throw .corrupt("invalid size of a grain of the VMDK: \(size) bytes")
    }
    let total = (VMDKLayout.markerBytes + size + 511) & ~511
    unsafe decoder.input.copyBytes(from: sector)
    if total > 512 {
      let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: decoder.input[512..<total])
      guard try unsafe source.read(into: rest) == rest.count else {
        throw .corrupt("the VMDK is truncated inside a grain")
      }
      sectors += UInt64(total / 512 - 1)
    }
    let start = VMDKLayout.markerBytes
    let count = try decoder.inflate(start..<(start + size))
    try header.check(grainBytes: count, at: lba)
    try unsafe assembler.put(
      UnsafeRawBufferPointer(rebasing: decoder.grain[..<count]), at: lba * 512)
  }

  private func pass(_ count: UInt64) throws(ArchiveError) {
    try source.pass(Int(count) * 512, of: "the metadata of a VMDK")
    sectors += count
  }
}

extension VMDKHeader {
  /// A grain is whole; some writers make the last one end with the disk.
  func check(grainBytes count: Int, at lba: UInt64) throws(ArchiveError) {
    let left = (capacity - lba) * 512
    guard count == grainBytes || (left < UInt64(grainBytes) && UInt64(count) >= left) else {
      throw .corrupt("invalid size of a grain of the VMDK: \(count) bytes")
    }
  }
}

extension ByteSource {
  /// Fills an array, as far as the source goes.
  func fillUpTo(_ bytes: inout [UInt8]) throws(ArchiveError) -> Int {
    var failure: ArchiveError?
    let done = unsafe bytes.withUnsafeMutableBytes { buffer -> Int in
      do throws(ArchiveError) { return unsafe try read(into: buffer) } catch {
        failure = error
        return 0
      }
    }
    if let failure { throw failure }
    return done
  }

  func fill(_ bytes: inout [UInt8], _ what: String) throws(ArchiveError) {
    guard try fillUpTo(&bytes) == bytes.count else { throw .corrupt("truncated inside \(what)") }
  }
}

extension RandomSource {
  func fill(_ bytes: inout [UInt8], at offset: UInt64, _ what: String) throws(ArchiveError) {
    var failure: ArchiveError?
    let done = unsafe bytes.withUnsafeMutableBytes { buffer -> Int in
      do throws(ArchiveError) { return unsafe try read(into: buffer, at: offset) } catch {
        failure = error
        return 0
      }
    }
    if let failure { throw failure }
    guard done == bytes.count else { throw .corrupt("truncated before \(what)") }
  }
}
