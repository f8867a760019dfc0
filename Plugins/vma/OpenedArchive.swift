import ArchiveBytes
import ArchiveFiles
import VMAFormat
import WriterKit

/// Descriptor 6 in read mode, as passes over it want it.
struct OpenedArchive {
  private let input: ArchiveInput
  private let scratch: ScratchDescriptor?
  private let descriptor: Int32

  /// Stands at the archive's start, decompressed.
  var source: any ByteSource { input.source }

  /// - Parameter scratch: A file for clusters that come too early, if the host gave one.
  init(_ input: Input, scratch: Int32?, salvages: Bool) throws(PluginError) {
    self.scratch = scratch.map { ScratchDescriptor($0) }
    descriptor = input.descriptor
    self.input = try ArchiveInput(input, salvages: salvages)
  }

  /// A pass from where the source stands, after the header.
  func pass(_ header: ArchiveHeader, salvages: Bool) -> ArchivePass {
    let early: any EarlyPlace =
      if let file = input.file { ArchivePlaces(file, header.identifier) } else {
        KeptClusters(scratch: scratch)
      }
    return ArchivePass(header, source: source, early: early, salvages: salvages)
  }

  /// Goes back to the end of the header.
  ///
  /// - Returns: Whether this archive can go back.
  func rewind(behind header: ArchiveHeader) throws(PluginError) -> Bool {
    guard let file = input.file else { return false }
    file.rewind(to: UInt64(header.byteCount))
    return true
  }

  /// Parts of devices, in any order.
  ///
  /// - Returns: `nil` for what has no bytes at any place: a stream, or an archive that is
  ///   compressed.
  func ranges(_ header: ArchiveHeader) throws(PluginError) -> ArchiveRanges? {
    guard input.file != nil else { return nil }
    let source = try FileSource(descriptor)
    source.rewind(to: UInt64(header.byteCount))
    return ArchiveRanges(header, source)
  }
}
