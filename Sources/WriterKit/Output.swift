/// Where the archive goes.
public struct Output: Sendable {
  /// Open for the whole life of the process: 6 in a plugin.
  public let descriptor: Int32
  /// A file made by the host, a pipe, or a private directory.
  public let kind: Job.OutputKind

  /// The archive itself, where it is a file or a pipe.
  public var file: ArchiveFile { ArchiveFile(borrowing: descriptor) }

  /// Makes a file in the archive, which is a directory.
  ///
  /// - Parameter name: Without `/`; of a file that is not there yet.
  public func createFile(_ name: String) throws(PluginError) -> ArchiveFile {
    try ArchiveFile.create(name, in: descriptor)
  }
}
