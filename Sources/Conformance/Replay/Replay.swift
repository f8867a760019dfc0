internal import BackupProtocol
internal import Glibc
package import PluginHost
package import Sandbox
internal import SharedPool
package import System

/// A session of a recording, played against a plugin: it hears what it heard then, and what it says
/// is compared with what was said. Specified in docs/recordings.md.
package struct Replay: Sendable {
  /// What came of it.
  package struct Outcome: Equatable, Sendable {
    /// Frames that the plugin got, and that were expected of it.
    package var toPlugin = 0
    package var toHost = 0
    /// Whether bytes were made up for those that the recording leaves out.
    package var isFilled = false
    /// What was not as recorded, first: the line of the recording, what it says, what was seen.
    package var difference: Difference?
  }

  /// What is not as it was.
  package struct Difference: Equatable, Sendable {
    package let line: Int
    package let recorded: String
    package let seen: String
  }

  private let path: String
  private let session: Int
  private let plugin: InstalledPlugin
  private let launcher: String
  private let sandbox: SandboxMode?
  private let directory: String
  private let archive: String?

  /// - Parameters:
  ///   - path: The recording.
  ///   - session: Which of its sessions, from 1.
  ///   - sandbox: `nil` runs the plugin without one.
  ///   - directory: Where what the plugin makes goes meanwhile.
  ///   - archive: What a session of reading is played on.
  package init(
    _ path: String, session: Int, plugin: InstalledPlugin, launcher: String, sandbox: SandboxMode?,
    directory: String, archive: String?
  ) {
    self.path = path
    self.session = session
    self.plugin = plugin
    self.launcher = launcher
    self.sandbox = sandbox
    self.directory = directory
    self.archive = archive
  }

  /// Plays the session to its end, or to the first difference.
  ///
  /// - Throws: ``ReplayError``; nothing was started, or what was is gone.
  package func run(stop: StopSignal? = nil) throws(ReplayError) -> Outcome {
    let (hello, job) = try start()
    guard let format = plugin.format(job.format) else { throw .otherFormat(job.format) }
    let patience = Patience()
    patience.watch(stop)
    let bench = CaseBench(
      plugin: plugin, format: format, output: job.output, launcher: launcher, sandbox: sandbox,
      identity: sandbox == nil ? .callers : PluginUser(launcher: launcher).identity(),
      directory: directory, patience: patience)
    var setup = CaseSetup()
    (setup.mode, setup.salvages) = (job.mode, job.salvages)
    setup.hasPool = hello.features.contains(Feature.sharedMemory.rawValue)
    setup.shape = PoolShape(slotCount: Int(hello.slotCount), slotBytes: Int(hello.slotBytes))
    let host: CaseHost
    do { host = try self.host(bench, setup) } catch let error as ReplayError { throw error } catch {
      throw .notStarted("\(error)")
    }
    var player = ReplayPlayer(host)
    var reader = try open()
    while let line = try next(&reader) {
      guard line.session == session else { continue }
      if try !player.play(line, number: reader.lineNumber) { break }
    }
    return player.outcome
  }

  private func host(_ bench: CaseBench, _ setup: CaseSetup) throws -> CaseHost {
    if setup.mode == .write { return try bench.startAnyway(setup) }
    guard let archive else { throw ReplayError.needsArchive }
    let flags = bench.output == .directory ? O_RDONLY | O_DIRECTORY : O_RDONLY
    return try bench.startReader(of: try openFile(archive, flags: flags), setup)
  }

  /// HELLO and JOB of the session.
  private func start() throws(ReplayError) -> (Hello, Job) {
    var reader = try open()
    var (hello, isThere): (Hello?, Bool) = (nil, false)
    while let line = try next(&reader) {
      guard line.session == session else { continue }
      isThere = true
      guard case .frame(.toPlugin, let bytes) = line.event else { continue }
      let frame = try RecordedFrame(bytes, line: reader.lineNumber)
      if frame.type == .hello { hello = try? Hello(parsing: frame.payload) }
      if frame.type == .job, let hello, let job = try? Job(parsing: frame.payload) {
        return (hello, job)
      }
    }
    throw isThere ? .noJob : .noSession(session)
  }

  private func open() throws(ReplayError) -> RecordingReader {
    do throws(RecordingError) { return try RecordingReader.open(path) } catch {
      throw .recording(error)
    }
  }

  private func next(
    _ reader: inout RecordingReader
  ) throws(ReplayError) -> RecordingLine? {
    do throws(RecordingError) { return try reader.next() } catch { throw .recording(error) }
  }
}
