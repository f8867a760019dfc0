package import BackupProtocol
internal import CLinux
internal import JSON
internal import Sandbox
package import System

extension PluginSession {
  /// Announces the start of a stream.
  package func sendOpen(stream: UInt32) {
    guard failure == nil else { return }
    outgoing.frames.appendOpen(stream: stream)
  }

  /// Announces a range without data.
  package func send(_ frame: ZeroFrame, stream: UInt32) {
    guard failure == nil else { return }
    outgoing.frames.append(frame, stream: stream)
  }

  /// Lends a slot, or sends its bytes where the plugin does not map the pool.
  ///
  /// The slot belongs to the plugin until ``Handlers/released`` names it.
  package func lend(
    slot: Int, offset: UInt64, length: Int, masks: Span<BlockMask>, stream: UInt32
  ) {
    guard failure == nil else { return handlers.released(slot) }
    let frame = DataFrame(
      offset: offset, length: UInt32(length), place: usesPool ? .slot(UInt32(slot)) : .inline,
      maskCount: UInt16(masks.count))
    let sequence = outgoing.frames.append(frame, stream: stream, masks: masks)
    if !usesPool { outgoing.splice(slot: slot, length: length) }
    lent.lend(slot, sequence: sequence, .now)
  }

  /// Announces the end of a stream with the digest of what was sent.
  package func send(_ frame: CloseFrame, stream: UInt32) {
    guard failure == nil else { return }
    outgoing.frames.append(frame, stream: stream)
  }

  /// Sends a stream's allocation map; does nothing unless the plugin asked for maps.
  package func send(map: [Extent], stream: UInt32) {
    guard failure == nil, helloAck?.accepts(.map) ?? false else { return }
    var rest = map[...]
    repeat {
      let part = rest.prefix(Limits.extentsMax)
      rest = rest.dropFirst(part.count)
      outgoing.frames.append(extents: part, stream: stream, isLast: rest.isEmpty)
    } while !rest.isEmpty
  }

  /// Asks for a stream or a part of it (read mode).
  ///
  /// - Returns: The number of the READ.
  package func send(_ frame: ReadFrame, stream: UInt32) -> UInt32 {
    readsOwed += 1
    // What was said of an earlier READ says nothing of this one.
    readError = nil
    return outgoing.frames.append(frame, stream: stream)
  }

  /// Gives DATA back to the plugin (read mode).
  package func sendRelease(sequence: UInt32) {
    guard failure == nil else { return }
    outgoing.frames.appendRelease([sequence].span)
  }

  /// Asks the plugin to make everything durable and end.
  package func sendFinish() {
    guard failure == nil else { return }
    outgoing.frames.append(.finish, [:])
    machine.sentFinish()
    let now = MonotonicTime.now
    lent.noMore(now)
    deadlines.owesFinished(now)
  }

  /// Asks the plugin to stop; closes its input after 1 s and kills it 14 s later.
  ///
  /// - Parameter cause: What the outcome will say; `.aborted` unless something failed elsewhere.
  package func abort(_ reason: String, cause: PluginFailure.Cause = .aborted) {
    guard outcome == nil, failure == nil else { return }
    failure = cause
    takeBackSlots()
    outgoing.frames.append(.abort, Abort(reason: reason).object)
    machine.sentAbort()
    deadlines.answer = nil
    deadlines.closeOutput = MonotonicTime.now.advanced(bySeconds: patience.abort)
  }

  /// The host had something to do meanwhile: a plugin's time begins anew (protocol.md §13.1).
  package func excuse(_ now: MonotonicTime) { deadlines.progressed(now) }

  /// Ends the process at once.
  package func kill() {
    if failure == nil { failure = .aborted }
    takeBackSlots()
    process.terminate()
  }

  /// Ends the process and waits until it is gone, whoever drove the session.
  ///
  /// To be called before what the plugin could write to is taken away: a living plugin can make
  /// files faster than anybody removes them.
  package func end() {
    process.terminate()
    _ = process.reap(deadline: .now)
  }

  func flush(_ now: MonotonicTime) {
    guard !isOutputClosed else { return }
    do throws(SystemCallError) {
      if try outgoing.flush() { deadlines.progressed(now) }
    } catch {
      // The plugin has closed its end; why it did shows in its frames or its exit.
      isOutputClosed = true
    }
  }

  func closeOutput() {
    isOutputClosed = true
    outgoing.close()
  }

  /// Frees what the plugin will not give back any more.
  func takeBackSlots() {
    let slots = lent.slots
    lent.removeAll()
    for slot in slots { handlers.released(slot) }
  }
}
