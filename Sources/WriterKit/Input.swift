/// Where the archive is that is read.
public struct Input: Sendable {
  /// Open for the whole life of the process, for reading: 6 in a plugin.
  public let descriptor: Int32
  /// A file, a pipe, or a directory.
  public let kind: Job.OutputKind

  /// The archive itself, where it is a file or a pipe.
  public var file: ArchiveFile { ArchiveFile(borrowing: descriptor) }

  /// Opens a file of the archive, which is a directory.
  ///
  /// - Parameter name: Without `/`. A link, or what is no plain file, is refused with E_CORRUPT.
  public func openFile(_ name: String) throws(PluginError) -> ArchiveFile {
    try ArchiveFile.open(name, in: descriptor)
  }
}
