package import BackupProtocol
package import PluginHost
package import SharedPool
package import System

/// An archive that is open: its reader plugin, which answers READs one after the other.
///
/// Whatever reads an archive stands on it: a lane that takes streams whole, and a reader of ranges.
/// One thread owns it. The plugin's pool is writable by the plugin, so nothing in it is trusted: a
/// reception copies bytes out before anybody looks at them. Specified in protocol.md §7.
package final class ArchiveSession {
  package let plugin: PluginSession
  /// The plugin's.
  let pool: SharedPool
  package let progress: LaneProgress
  let stop: StopSignal
  private var rateLimit: RateLimit?
  private var poller = Poller()
  /// What takes the answer to the READ that is open.
  private var reception: (any AnswerReception)?
  private var failure: LaneFailure?

  /// - Parameters:
  ///   - plugin: Just started, in read or verify mode.
  ///   - pool: The plugin's, writable by it.
  ///   - rateLimit: Bytes of data a second, or `nil`.
  package init(
    _ plugin: PluginSession, pool: SharedPool, rateLimit: UInt64? = nil, progress: LaneProgress,
    stop: StopSignal
  ) {
    self.plugin = plugin
    self.pool = pool
    self.progress = progress
    self.stop = stop
    self.rateLimit = rateLimit.map { RateLimit(bytesPerSecond: $0, now: .now) }
    plugin.handlers.produced = { [unowned self] header, payload throws(WireError) in
      try produced(header, payload)
    }
  }

  /// Waits until the plugin has opened the archive.
  ///
  /// - Returns: What the archive says it holds: at least one stream.
  package func open() throws(LaneFailure) -> JobAck {
    while !plugin.isRunning { try turn() }
    let ack = plugin.jobAck ?? JobAck()
    // Nobody makes an archive of nothing: what is read as one has lost what was in it.
    guard !ack.streams.isEmpty else { throw .emptyArchive }
    return ack
  }

  /// Sends a READ, to be answered to the next reception.
  ///
  /// - Returns: Its number; of a plugin that is gone none, which shows in the next turn.
  func ask(_ frame: ReadFrame, stream: UInt32) -> UInt32 {
    plugin.isAlive ? plugin.send(frame, stream: stream) : 0
  }

  /// Who takes what comes from now on; `nil` where nothing is to come.
  func expect(_ reception: (any AnswerReception)?) { self.reception = reception }

  /// Ends the session well: waits until the plugin is gone.
  package func finish() throws(LaneFailure) {
    // The limit's time passes before the plugin owes its end, not meanwhile.
    while try rest() {}
    if plugin.isAlive { plugin.sendFinish() }
    while !plugin.isOver { try turn() }
  }

  /// Ends the session badly: waits until the plugin is gone.
  package func abandon() {
    plugin.abort("the job was aborted")
    while !plugin.isOver {
      if stop.isUrgent { plugin.kill() }
      do throws(LaneFailure) { try turn(isEnding: true) } catch { plugin.kill() }
    }
  }

  // MARK: Turns

  /// Waits for something to happen, a second at most, and handles it.
  func turn() throws(LaneFailure) { try turn(isEnding: false) }

  private func turn(isEnding: Bool) throws(LaneFailure) {
    if !isEnding, try rest() { return }
    poller.removeAll()
    addDescriptors(to: &poller)
    let seconds = min(isEnding ? 0.2 : 1, plugin.secondsToDeadline(.now))
    do throws(SystemCallError) { _ = try poller.wait(seconds: seconds) } catch {
      throw .system("\(error)")
    }
    if isEnding { return plugin.service(.now) }
    try service()
  }

  /// Adds what the session waits for, the user's wish included.
  func addDescriptors(to poller: inout Poller) {
    plugin.addDescriptors(to: &poller)
    if !stop.isRequested { poller.add(stop.descriptor, .readable) }
  }

  /// Handles what has happened; never blocks.
  func service() throws(LaneFailure) {
    plugin.service(.now)
    if let failure { throw failure }
    if stop.isRequested { throw .cancelled }
    if !plugin.isAlive && plugin.finished == nil { throw .noWriters }
  }

  /// Lets the rate limit's time pass: what the plugin sends meanwhile stays in its pipe, and it
  /// waits for slots, which is none of its faults.
  ///
  /// - Returns: Whether there was time to pass.
  private func rest() throws(LaneFailure) -> Bool {
    guard let delay = rateLimit?.delay(.now), delay > 0 else { return false }
    poller.removeAll()
    poller.add(stop.descriptor, .readable)
    do throws(SystemCallError) { _ = try poller.wait(seconds: min(delay, 1)) } catch {
      throw .system("\(error)")
    }
    plugin.excuse(.now)
    if stop.isRequested { throw .cancelled }
    return true
  }

  /// A stream frame came: checks its place and takes it.
  private func produced(_ header: FrameHeader, _ payload: RawSpan) throws(WireError) {
    guard let reception, header.stream == reception.stream, failure == nil else {
      // After a failure of ours the plugin's answers are of no consequence.
      if failure != nil { return }
      throw .unrequested(header.type)
    }
    let frame = try StreamFrame(header.type, parsing: payload)
    try reception.admit(frame)
    let before = reception.position
    do throws(LaneFailure) { try reception.take(frame, payload) } catch { failure = error }
    // Where the bytes go may have taken its time: that is none of the plugin's.
    plugin.excuse(.now)
    let moved = reception.position - before
    progress.passed(moved)
    if header.type == .data {
      progress.read(moved)
      rateLimit?.take(Int(moved))
      plugin.sendRelease(sequence: header.sequence)
    }
  }
}

/// Takes the answer to one READ, as it comes in.
protocol AnswerReception: AnyObject {
  /// Whose answer it is.
  var stream: UInt32 { get }
  /// Bytes from the start of the stream: how far the answer has come.
  var position: UInt64 { get }
  /// Whether READ_DONE has come.
  var isDone: Bool { get }

  /// Checks that a frame may come now and stays inside the pool.
  func admit(_ frame: StreamFrame) throws(WireError)

  /// Takes an admitted frame.
  ///
  /// - Throws: `LaneFailure` when the archive is not what it should be, or the target fails.
  func take(_ frame: StreamFrame, _ payload: RawSpan) throws(LaneFailure)
}
