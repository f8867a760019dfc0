public import BackupProtocol
public import JSON
internal import ScriptedHost
internal import SharedPool
internal import System

/// A host for the tests of a plugin: starts its program, and writes and reads archives with it.
///
/// ```swift
/// let host = TestHost(program: "reel", format: "reel")
/// let disk = TestStream.disk("root", [UInt8](repeating: 1, count: 100_000))
/// try host.write([disk], to: "/tmp/a.reel")
/// #expect(try host.read("/tmp/a.reel").streams == [disk])
/// ```
///
/// There is no sandbox, and of what protocol.md demands only what such a job shows is tried: for
/// all of it, and in the sandbox, there is `sluice plugin check`.
public struct TestHost: Sendable {
  /// How bytes go to and fro.
  public enum Transport: Sendable {
    /// Slots of shared memory, of 1 MiB, and so few that the plugin must give them back.
    case sharedMemory
    /// In the frames themselves.
    case inline
  }

  /// The plugin's executable.
  public var program: String
  /// A format of its manifest.
  public var format: String
  /// What an archive is: `.file` or `.directory`.
  public var kind: Job.OutputKind
  /// How bytes go to and fro.
  public var transport: Transport
  /// Of the format, for writing.
  public var options: JSONObject

  /// - Parameter program: An absolute path, or the name of a program of the same build.
  public init(
    program: String, format: String, kind: Job.OutputKind = .file,
    transport: Transport = .sharedMemory, options: JSONObject = [:]
  ) {
    self.program = program
    self.format = format
    self.kind = kind
    self.transport = transport
    self.options = options
  }

  /// Writes an archive.
  ///
  /// - Parameters:
  ///   - streams: In this order; they get the ids 1, 2, 3, …
  ///   - path: Must not exist.
  /// - Throws: ``TestHostError``.
  public func write(_ streams: [TestStream], to path: String) throws {
    let contents = streams.enumerated().map { $1.content(id: UInt32($0 + 1)) }
    let target = try Place(path, kind).create()
    try converse(target, isReading: false) { talk in
      let host = talk.host
      try host.start(contents, format: format, output: kind, options: options)
      if talk.sendsMaps { try host.sendMaps(contents) }
      for content in contents { try host.write(content, digest: treeDigest(content.bytes)) }
      let finished = try host.finish()
      try talk.awaitEnd()
      guard host.unreleased == 0 else { throw TestHostError.broken("slots were not given back") }
      try Place(path, kind).check(finished)
    }
  }

  /// Reads an archive.
  ///
  /// - Parameter mode: `.verify` lets the plugin check more.
  /// - Throws: ``TestHostError``, also if a stream cannot be read.
  public func read(_ path: String, _ mode: Job.Mode = .verify) throws -> TestArchive {
    let target = try Place(path, kind).open()
    return try converse(target, isReading: true) { talk in
      let host = talk.host
      let told = try host.openArchive(mode, format: format, output: kind, scratch: 8)
      let streams = try told.streams.map { stream in
        let answer = try host.read(stream)
        guard answer.status == .none else {
          throw TestHostError.refused(answer.status, host.streamErrors.last?.message ?? "")
        }
        return TestStream(kind: stream.kind, name: stream.name, bytes: answer.bytes)
      }
      let finished = try host.finish()
      try talk.awaitEnd()
      return TestArchive(
        streams: streams, machine: told.vm, instant: told.instant, isProven: finished.isProven)
    }
  }

  private func converse<Result>(
    _ target: borrowing OwnedDescriptor, isReading: Bool, _ body: (Conversation) throws -> Result
  ) throws -> Result {
    let conversation = try Conversation(self, target, isReading: isReading)
    do { return try body(conversation) } catch let error as HostError {
      throw conversation.failure(error)
    }
  }
}
