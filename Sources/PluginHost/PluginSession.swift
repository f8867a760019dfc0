package import BackupProtocol
internal import CLinux
package import Sandbox
package import SharedPool
package import System

/// The host's side of one plugin's run: frames, states, debts and deadlines.
///
/// One thread owns a session: it adds the descriptors to its poller, calls ``service(_:)`` when
/// something is ready or time has passed, and sends. Nothing here blocks.
package final class PluginSession {
  /// How a run ended.
  package enum Outcome: Sendable {
    case finished(Finished)
    case failed(PluginFailure)
  }

  /// Patience with a plugin, in seconds. Specified in protocol.md §13.1.
  package struct Patience: Sendable {
    package var helloAck = 10.0
    package var jobAck = 60.0
    /// Silence after which the user is warned.
    package var stallWarning = 10.0
    /// Silence after which the plugin times out.
    package var stallLimit = 600.0
    /// Between ABORT and the end of its input: one that is busy sees that without reading.
    package var abort = 1.0
    /// Between the end of its input and its end, after ABORT.
    package var aborted = 14.0
    package var exit = 5.0

    package init(stallLimit: Double = 600) { self.stallLimit = stallLimit }
  }

  /// What happens to a session, told to the thread that owns it.
  package struct Handlers {
    /// A slot came back.
    package var released: (Int) -> Void = { _ in }
    /// A stream frame came (read mode); the payload is shown for the time of the call.
    package var produced: (FrameHeader, RawSpan) throws(WireError) -> Void = { _, _ in }
    /// A line for the user.
    package var notice: (String) -> Void = { _ in }
    /// Why the plugin must not go on in a sandbox of these layers; `nil` if it may.
    package var refusal: (SandboxLayers) -> String? = { _ in nil }
    /// Bytes the plugin has stored so far, asked only when it seems to stand still.
    package var storedBytes: () -> Int64 = { 0 }

    package init() {}
  }

  /// The plugin as the user named it.
  package let label: String
  package let job: Job
  package let patience: Patience
  package var handlers = Handlers()

  package internal(set) var machine: HostStateMachine
  package internal(set) var helloAck: HelloAck?
  package internal(set) var jobAck: JobAck?
  package internal(set) var finished: Finished?
  /// Set once, when the run is over and the process is gone.
  package internal(set) var outcome: Outcome?
  /// The plugin's own account of CPU and memory, once it has ended.
  package internal(set) var cpuSeconds = 0.0

  var outgoing: OutgoingQueue
  var incoming: FrameReader
  /// Sees every byte that comes in.
  var tap: FrameTap?
  let ears: SessionEars?
  /// Tells what the plugin says about itself, if somebody wants to hear all of it.
  var voice: SessionVoice?
  let input: OwnedDescriptor
  var log: LogCapture
  let process: SandboxedProcess
  package let manifest: Manifest
  let pool: SharedPool?
  var lent: LentSlots
  var isInputOpen = true
  var isOutputClosed = false
  /// Why the plugin could not answer a READ; the READ_DONE that follows ends it.
  package internal(set) var readError: ErrorFrame?
  /// READs not yet answered by READ_DONE.
  var readsOwed = 0

  let offeredFeatures: [String]
  /// Warnings of the plugin that are still passed on to the user.
  var noticesLeft = 100

  var deadlines: SessionDeadlines
  /// Why the run cannot end well; the process may still be ending.
  var failure: PluginFailure.Cause?
  var exitStatus: ExitStatus?
  var denial: String?

  package init(
    label: String, job: Job, hello: Hello, manifest: Manifest, patience: Patience,
    process: PluginProcess, pool: SharedPool?,
    listeners: SessionListeners = SessionListeners()
  ) {
    let ears = SessionEars(listeners, plugin: label, pool: pool)
    self.ears = ears
    tap = ears.map { FrameTap($0, .toHost) }
    voice = listeners.lines.map { SessionVoice(listeners.name(of: label), $0) }
    self.label = label
    self.job = job
    self.patience = patience
    self.manifest = manifest
    self.pool = pool
    offeredFeatures = hello.features
    machine = HostStateMachine(mode: job.mode, salvages: job.salvages)
    lent = LentSlots(slotCount: pool?.shape.slotCount ?? 0)
    deadlines = SessionDeadlines(now: .now, patience: patience)
    incoming = FrameReader()
    outgoing = OutgoingQueue(
      pipe: process.takeOutput(), pool: pool,
      tap: ears.map { FrameTap($0, .toPlugin) })
    input = process.takeInput()
    log = LogCapture(pipe: process.takeLog())
    self.process = process.sandboxed
    outgoing.frames.append(.hello, Grease.added(to: hello.object))
    Grease.maybeAppend(to: &outgoing.frames)
  }

  /// Whether the plugin takes data from the pool.
  package var usesPool: Bool { helloAck?.accepts(.sharedMemory) ?? false }

  /// Ready for streams: JOB_ACK has come and nothing has failed.
  package var isRunning: Bool { machine.phase == .running && failure == nil }

  /// Nothing has failed yet, and it has not ended.
  package var isAlive: Bool { failure == nil && outcome == nil }

  /// Over: ``outcome`` is set.
  package var isOver: Bool { outcome != nil }

  /// Whether the caller should hold back further frames.
  package var isCongested: Bool { outgoing.isFull }

  /// No data is lent and nothing waits to be written.
  package var isSettled: Bool { lent.isEmpty && outgoing.isEmpty }

  /// The last words of the plugin.
  package var lastLines: [String] { log.lastLines() }

  /// Why a READ was not answered, in the plugin's own words if it gave any.
  package func readFailure(_ status: ErrorCode) -> String {
    readError == nil
      ? "cannot be read: \(status.name)"
      : "cannot be read: \(readFailureText(status)) (\(status.name))"
  }

  /// The plugin's own words, or the name of its status.
  package func readFailureText(_ status: ErrorCode) -> String {
    readError.map { sanitised($0.message.utf8) } ?? status.name
  }

  /// Why it failed, if it did.
  package var failureText: String? {
    failure.map { PluginFailure(plugin: label, cause: $0).description }
  }

  /// Adds what the session waits for.
  package func addDescriptors(to poller: inout Poller) {
    guard outcome == nil else { return }
    if isInputOpen { poller.add(input.raw, .readable) }
    if !isOutputClosed && !outgoing.isEmpty { poller.add(outgoing.descriptor, .writable) }
    if log.isOpen { poller.add(log.descriptor, .readable) }
    if exitStatus == nil { poller.add(process.statusDescriptor, .readable) }
  }

  /// Seconds until a deadline needs looking at, 1 at most.
  package func secondsToDeadline(_ now: MonotonicTime) -> Double { deadlines.secondsLeft(now) }

  /// Moves everything that can move: output, log, status, input, deadlines.
  package func service(_ now: MonotonicTime) {
    guard outcome == nil else { return }
    flush(now)
    log.drain { voice?.say($0) }
    if log.isFlooded { fail(.misconduct(.flood, "floods its log")) }
    receiveStatus()
    receiveFrames(now)
    flush(now)
    checkDeadlines(now)
    settle(now)
  }
}
