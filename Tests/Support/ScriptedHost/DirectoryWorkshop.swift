package import BackupProtocol
package import CommandLine
internal import SharedPool
package import System

/// A plugin under test whose archives are directories.
package struct DirectoryWorkshop: Sendable {
  package let plugin: String
  package let format: String

  package init(plugin: String, format: String) {
    self.plugin = plugin
    self.format = format
  }

  /// The plugin in write mode, up to its HELLO_ACK.
  package func startWriter(_ place: Scratch, _ talk: Talk = Talk()) throws -> PluginProcess {
    try startWriter(in: place.descriptor, talk)
  }

  /// The same, in any directory.
  package func startWriter(
    in directory: borrowing OwnedDescriptor, _ talk: Talk = Talk()
  ) throws -> PluginProcess {
    let pool = talk.isShared ? try SharedPool(talk.shape, name: "test") : nil
    let process = try PluginProcess(
      plugin, target: directory, pool: pool, shape: talk.shape)
    process.host.pieceBytes = talk.pieceBytes
    let ack = try process.host.greet()
    try require(ack.accepts(.sharedMemory) == talk.isShared, "shared memory is used or not")
    return process
  }

  /// A whole archive of the contents.
  @discardableResult
  package func write(
    _ contents: [Content], to place: Scratch, _ talk: Talk = Talk()
  ) throws -> Finished {
    let process = try startWriter(place, talk)
    try process.host.start(contents, format: format, options: talk.options)
    for content in contents {
      try process.host.write(content, digest: treeDigest(content.bytes), masks: talk.masks)
    }
    return try finishWriting(process)
  }

  /// FINISH and a good end of a writer.
  package func finishWriting(_ process: PluginProcess) throws -> Finished {
    let finished = try process.host.finish()
    try require(process.wait() == .exit(0), "the plugin did not exit with 0")
    try require(process.host.unreleased == 0, "frames are unreleased")
    return finished
  }

  /// The plugin in read mode, up to its HELLO_ACK.
  package func startReader(
    _ place: Scratch, _ talk: Talk = Talk(), features: [String] = ["random-read"]
  ) throws -> PluginProcess {
    try startReader(in: place.descriptor, talk, features: features)
  }

  /// The same, in any directory.
  package func startReader(
    in directory: borrowing OwnedDescriptor, _ talk: Talk = Talk(),
    features: [String] = ["random-read"]
  ) throws -> PluginProcess {
    let pool = talk.isShared ? try SharedPool(talk.shape, name: "test") : nil
    let process = try PluginProcess(
      plugin, target: directory, pool: pool, shape: talk.shape, isPoolWritable: true)
    process.host.pieceBytes = talk.pieceBytes
    try process.host.greet(features: features + (talk.isShared ? ["shm"] : []))
    return process
  }

  /// FINISH and a good end of a reader.
  package func finishReading(_ process: PluginProcess) throws {
    _ = try process.host.finish()
    try require(process.wait() == .exit(0), "the plugin did not exit with 0")
  }
}
