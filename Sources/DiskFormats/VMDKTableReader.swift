package import ArchiveBytes
internal import BackupProtocol

/// Reads any sparse VMDK by its tables: stream-optimised ones of every writer, and sparse ones.
///
/// Memory: a page of the directory, a table, a grain.
package final class VMDKTableReader {
  package let header: VMDKHeader
  /// Empty if the file has none.
  package let descriptor: [UInt8]
  private let source: SourceWindow
  private var page: [UInt8] = []
  /// Entry of the directory that the page begins with.
  private var pageStart: UInt64?
  private var table: [UInt8]
  private var decoder: GrainDecoder?
  private var marker = [UInt8](repeating: 0, count: VMDKLayout.markerBytes)

  /// - Throws: E_CORRUPT, E_UNSUPPORTED.
  package init(_ source: SourceWindow) throws(ArchiveError) {
    self.source = source
    var bytes = [UInt8](repeating: 0, count: VMDKHeader.byteCount)
    try source.fill(&bytes, at: 0, "its header")
    var header = try VMDKHeader(parsing: bytes)
    let (offset, sectors) = (header.descriptorOffset, header.descriptorSectors)
    var text = [UInt8](
      repeating: 0,
      count: offset == 0 ? 0 : Int(min(sectors, UInt64(VMDKDescriptor.bytesMax / 512))) * 512)
    try source.fill(&text, at: offset * 512, "its descriptor")
    descriptor = Array(text.prefix { $0 != 0 })
    if header.directoryOffset == VMDKHeader.directoryAtEnd {
      header.directoryOffset = try Self.footer(source).directoryOffset
    }
    guard header.directoryOffset <= 1 << 32 else {
      throw .corrupt("the VMDK has no grain directory")
    }
    self.header = header
    table = [UInt8](repeating: 0, count: Int(header.tableEntries) * 4)
  }

  /// The header once more, before the end marker: it tells where the directory is.
  private static func footer(_ source: SourceWindow) throws(ArchiveError) -> VMDKHeader {
    var bytes = [UInt8](repeating: 0, count: VMDKHeader.byteCount)
    // Marker, footer, end marker.
    if source.byteCount >= 4 * 512 {
      try source.fill(&bytes, at: source.byteCount - 1024, "its footer")
    }
    guard bytes.starts(with: VMDKHeader.magic) else {
      throw .corrupt("the VMDK is truncated: it has no footer")
    }
    return try VMDKHeader(parsing: bytes)
  }

  /// Reads the disk.
  ///
  /// - Throws: E_CORRUPT.
  package func read(to sink: any ClusterSink) throws(ArchiveError) {
    try read(0..<header.capacityBytes, to: sink)
  }

  package func read(_ range: Range<UInt64>, to sink: any ClusterSink) throws(ArchiveError) {
    let assembler = ClusterAssembler(sink, range)
    let entries = UInt64(header.tableEntries)
    let tables = Self.count(header.capacity, of: header.grainSectors * entries)
    // The whole directory has to be there: a small file cannot claim a large one.
    guard header.directoryOffset * 512 + tables * 4 <= source.byteCount else {
      throw .corrupt("the VMDK is truncated inside its grain directory")
    }
    let grainBytes = UInt64(header.grainBytes)
    let grains = range.lowerBound / grainBytes..<Self.count(range.upperBound, of: grainBytes)
    for number in grains.lowerBound / entries..<Self.count(grains.upperBound, of: entries) {
      let place = try directoryEntry(number, of: tables)
      if place == 0 { continue }
      let covered = (number * entries..<(number + 1) * entries).clamped(to: grains)
      do throws(ArchiveError) { try source.fill(&table, at: UInt64(place) * 512, "a table") } catch
      {
        try lose(covered, error, assembler)
        continue
      }
      for grain in covered { try put(grain, table: number, assembler) }
    }
    try assembler.finish()
  }

  /// How many pieces of a size there are, the last of which may be short.
  private static func count(_ total: UInt64, of size: UInt64) -> UInt64 {
    (total + size - 1) / size
  }

  /// Puts a grain, if the file has it.
  ///
  /// - Parameter number: Of the table that is loaded.
  private func put(
    _ grain: UInt64, table number: UInt64, _ assembler: ClusterAssembler
  ) throws(ArchiveError) {
    let index = Int(grain - number * UInt64(header.tableEntries))
    let sector = table.little(UInt32.self, at: 4 * index)
    if sector == 0 || (sector == 1 && header.flags & VMDKHeader.zeroGrains != 0) { return }
    let decoder = try openDecoder()
    let count: Int
    do throws(ArchiveError) {
      count = try readGrain(grain, at: UInt64(sector) * 512, decoder)
    } catch {
      return try lose(grain..<(grain + 1), error, assembler)
    }
    try unsafe assembler.put(
      UnsafeRawBufferPointer(rebasing: decoder.grain[..<count]),
      at: grain * header.grainSectors * 512)
  }

  private func openDecoder() throws(ArchiveError) -> GrainDecoder {
    if let decoder { return decoder }
    let made = try GrainDecoder(grainBytes: header.grainBytes)
    decoder = made
    return made
  }

  private func directoryEntry(_ number: UInt64, of tables: UInt64) throws(ArchiveError) -> UInt32 {
    let first = number & ~1023
    if pageStart != first {
      page = [UInt8](repeating: 0, count: Int(min(1024, tables - first)) * 4)
      try source.fill(&page, at: header.directoryOffset * 512 + first * 4, "its directory")
      pageStart = first
    }
    return page.little(UInt32.self, at: Int(number - first) * 4)
  }

  /// Grains that the file has lost; any other error is not theirs.
  private func lose(
    _ grains: Range<UInt64>, _ error: ArchiveError, _ assembler: ClusterAssembler
  ) throws(ArchiveError) {
    guard error.code == .corrupt else { throw error }
    let bytes = header.grainSectors * 512
    try assembler.lose(
      (grains.lowerBound * bytes)..<min(header.capacityBytes, grains.upperBound * bytes),
      error.message)
  }

  /// Reads a grain into the decoder.
  ///
  /// - Returns: Its bytes.
  private func readGrain(
    _ number: UInt64, at offset: UInt64, _ decoder: GrainDecoder
  ) throws(ArchiveError) -> Int {
    let lba = number * header.grainSectors
    var count = Int(min(UInt64(header.grainBytes), (header.capacity - lba) * 512))
    if header.isCompressed {
      try source.fill(&marker, at: offset, "a grain")
      let size = Int(marker.little(UInt32.self, at: 8))
      guard marker.little(UInt64.self, at: 0) == lba, size > 0,
        size <= GrainDecoder.inputBytesMax(grainBytes: header.grainBytes)
      else { throw .corrupt("invalid grain offset in a table of the VMDK") }
      let input = unsafe UnsafeMutableRawBufferPointer(rebasing: decoder.input[..<size])
      try unsafe fill(input, at: offset + UInt64(VMDKLayout.markerBytes))
      count = try decoder.inflate(0..<size)
      try header.check(grainBytes: count, at: lba)
    } else {
      try unsafe fill(
        UnsafeMutableRawBufferPointer(rebasing: decoder.grain[..<count]), at: offset)
    }
    return count
  }

  private func fill(
    _ buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(ArchiveError) {
    guard try unsafe source.read(into: buffer, at: offset) == buffer.count else {
      throw .corrupt("the VMDK is truncated inside a grain")
    }
  }
}
