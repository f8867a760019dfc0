internal import BackupProtocol
internal import Glibc
internal import PluginHost
internal import Sandbox
internal import SharedPool
internal import System

/// What a case works with: the plugin, one of its formats, and where archives go meanwhile.
package struct CaseBench: Sendable {
  let plugin: InstalledPlugin
  let format: ManifestFormat
  /// What channel 6 is unless a case says otherwise.
  let output: Job.OutputKind
  let launcher: String
  /// `nil` runs the plugin with the caller's rights, and nothing around it.
  let sandbox: SandboxMode?
  let identity: SandboxIdentity
  /// Where rooms are made.
  let directory: String
  let patience: Patience
  /// What a job that the format takes consists of.
  var contents: [Content] = Content.usual
  /// Where what is said is kept, if somebody wants to see it.
  var transcript: CaseTranscript?
  /// It is being found out what all cases stand on.
  var isFoundation = false

  var needsMap: Bool { plugin.manifest.needs.contains(.map) }
  var writes: Bool { format.modes.contains(.write) }
  var reads: Bool { format.modes.contains(.read) }
  var verifies: Bool { format.modes.contains(.verify) }

  /// Ends a case that the format has nothing to do with.
  func require(_ condition: Bool, _ otherwise: String) throws(NotApplicable) {
    if !condition { throw NotApplicable(otherwise) }
  }
}

/// An archive that a case made.
final class CaseArchive: Sendable {
  static let name = "archive"
  let room: CaseRoom
  let kind: Job.OutputKind
  let contents: [Content]
  /// Of a directory, the file in it that is its receipt.
  let receiptName: String?

  init(
    _ room: CaseRoom, _ kind: Job.OutputKind, _ contents: [Content], receiptName: String? = nil
  ) {
    self.receiptName = receiptName
    self.room = room
    self.kind = kind
    self.contents = contents
  }
}

extension CaseHost {
  /// What the plugin has made.
  func archive(_ contents: [Content]) -> CaseArchive {
    CaseArchive(
      room, kind, contents, receiptName: kind == .directory ? bench.format.receipt : nil)
  }
}

extension CaseBench {
  /// Starts the plugin in write mode, in a room of its own.
  func startWriter(_ setup: CaseSetup = CaseSetup()) throws -> CaseHost {
    try require(writes, "the format has no write mode")
    return try startAnyway(setup)
  }

  /// The same of a format that may have no write mode: what is started is not asked to write.
  func startAnyway(_ setup: CaseSetup) throws -> CaseHost {
    let kind = setup.output ?? output
    let room = try setup.isFull ? CaseRoom.small(in: directory) : CaseRoom(in: directory)
    let target: OwnedDescriptor
    var sink: OwnedDescriptor?
    switch kind {
    case .directory:
      target = try makeDirectory(room, setup)
    case .file: target = try room.makeFile(CaseArchive.name, for: identity)
    case .pipe:
      var pipe = try Pipe()
      target = pipe.takeWriteEnd()
      sink = pipe.takeReadEnd()
    }
    return try start(setup, room, kind, target: target, pipe: sink)
  }

  private func makeDirectory(
    _ room: CaseRoom, _ setup: CaseSetup
  ) throws(SystemCallError) -> OwnedDescriptor {
    if setup.directoryMode == 0o700 {
      return try room.makeDirectory(CaseArchive.name, for: identity)
    }
    // Nobody's but ours: a plugin of another user cannot change it.
    return try room.makeDirectory(
      CaseArchive.name, for: geteuid() == 0 ? .callers : identity, mode: setup.directoryMode)
  }

  /// Starts the plugin in read or verify mode.
  func startReader(_ archive: CaseArchive, _ setup: CaseSetup) throws -> CaseHost {
    var feed: OwnedDescriptor?
    let source: OwnedDescriptor
    switch archive.kind {
    case .directory: source = try archive.room.open(CaseArchive.name, O_RDONLY | O_DIRECTORY)
    case .file: source = try archive.room.open(CaseArchive.name, O_RDONLY)
    case .pipe:
      var pipe = try Pipe()
      source = pipe.takeReadEnd()
      feed = pipe.takeWriteEnd()
    }
    return try start(setup, archive.room, archive.kind, target: source, pipe: feed)
  }

  /// The same on an archive of somebody else's.
  func startReader(
    of archive: consuming OwnedDescriptor, _ setup: CaseSetup
  ) throws -> CaseHost {
    try start(setup, try CaseRoom(in: directory), output, target: archive, pipe: nil)
  }

  private func start(
    _ setup: CaseSetup, _ room: CaseRoom, _ kind: Job.OutputKind,
    target: consuming OwnedDescriptor, pipe: consuming OwnedDescriptor?
  ) throws -> CaseHost {
    let pool =
      setup.hasPool
      ? try CasePool(setup.shape, byteCount: setup.poolBytes, isSealed: setup.isPoolSealed) : nil
    let isReading = setup.mode != .write
    let descriptor =
      try pool?.descriptor(isWritable: isReading) ?? openFile("/dev/null", flags: O_RDONLY)
    let needsScratch = isReading && plugin.manifest.needs.contains(.scratch)
    let grants = PluginGrants(
      pool: descriptor, poolBytes: setup.shape.byteCount, archive: target, kind: kind,
      mode: setup.mode, identity: identity,
      scratch: needsScratch ? try ScratchFile(in: directory) : nil)
    let running = try RunningPlugin(self, setup, grants: grants, withoutPool: pool == nil)
    return try CaseHost(
      self, setup, running, room: room, kind: kind, pool: pool, pipe: pipe,
      scratch: needsScratch ? ScratchFile.descriptor : nil)
  }
}
