internal import BackupProtocol
internal import Glibc
internal import ScriptedHost
internal import SharedPool
internal import System

/// One run of the plugin, greeted.
struct Conversation {
  let process: PluginProcess
  /// Whether the plugin asked for maps.
  let sendsMaps: Bool
  var host: ScriptedHost { process.host }

  init(
    _ test: TestHost, _ target: borrowing OwnedDescriptor, isReading: Bool
  ) throws {
    let shape = PoolShape(slotCount: 4, slotBytes: 1 << 20)
    let isShared = test.transport == .sharedMemory
    let scratch = try openNamelessFile("/tmp")
    process = try PluginProcess(
      test.program, target: target, pool: isShared ? try SharedPool(shape, name: "test") : nil,
      shape: shape, isPoolWritable: isReading, scratch: scratch.raw)
    let features = (isShared ? ["shm"] : []) + (isReading ? [] : ["map"])
    do {
      sendsMaps = try process.host.greet(features: features).accepts(.map)
    } catch let error as HostError { throw Self.failure(error, process) }
  }

  /// Expects that the plugin has ended well.
  func awaitEnd() throws {
    let end = process.wait()
    guard end == .exit(0) else { throw TestHostError.broken("the plugin ended with \(end)") }
  }

  func failure(_ error: HostError) -> TestHostError { Self.failure(error, process) }

  private static func failure(_ error: HostError, _ process: PluginProcess) -> TestHostError {
    if let said = process.host.fatalError { return .refused(said.code, said.message) }
    switch error {
    case .silence: return .broken("the plugin said nothing for 20 seconds")
    case .ended: return .broken("the plugin ended in the middle: \(process.wait())")
    case .unexpected(let type, let text): return .broken("the plugin sent \(type.name) \(text)")
    }
  }
}

/// Where an archive is.
struct Place {
  let path: String
  let kind: Job.OutputKind

  init(_ path: String, _ kind: Job.OutputKind) throws {
    guard kind != .pipe else { throw TestHostError.broken("a test reads and writes no pipes") }
    self.path = path
    self.kind = kind
  }

  func create() throws -> OwnedDescriptor {
    if kind == .file { return try openFile(path, flags: O_RDWR | O_CREAT | O_EXCL, mode: 0o600) }
    guard mkdir(path, 0o700) == 0 else { throw TestHostError.broken("\(path) cannot be made") }
    return try open()
  }

  func open() throws -> OwnedDescriptor {
    try openFile(path, flags: kind == .file ? O_RDONLY : O_RDONLY | O_DIRECTORY)
  }

  /// Holds what the plugin says is there against what is.
  func check(_ finished: Finished) throws {
    for artefact in finished.artefacts {
      let name = kind == .file ? path : "\(path)/\(artefact.name)"
      let size = try FileStatus(path: name).size
      guard UInt64(size) == artefact.size else {
        throw TestHostError.broken(
          "FINISHED says that \(artefact.name) has \(artefact.size) bytes; it has \(size)")
      }
    }
  }
}
