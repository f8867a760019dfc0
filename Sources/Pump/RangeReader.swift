package import BackupProtocol
internal import PluginHost
package import SharedPool
package import System

/// Reads ranges of an archive's streams, in any order, into slots of a pool of the host's own.
///
/// Several may be under way: they wait in a queue, and the plugin answers one after the other,
/// each from the beginning of the range to its end. What comes is proven by nothing: digests are
/// those of whole streams. One thread owns it. Specified in protocol.md §7.2.
package final class RangeReader {
  /// A range that was read, or could not be.
  package struct Completion {
    package let slot: Int
    /// Whether the range is zeros. The slot holds them too.
    package let isZero: Bool
    /// Why the slot's bytes mean nothing. The next ranges may be readable all the same.
    package let failure: LaneFailure?
  }

  private struct Order {
    let slot: Int
    let stream: StreamDescription
    let range: Range<UInt64>
  }

  private let archive: ArchiveSession
  private let memory: SharedPool
  private var waiting: [Order] = []
  private var current: (order: Order, reception: RangeReception)?

  /// - Parameters:
  ///   - archive: Open, of a plugin that has accepted to read ranges.
  ///   - memory: No pool of a plugin's.
  package init(_ archive: ArchiveSession, memory: SharedPool) {
    precondition(Self.isPossible(archive), "the plugin reads no ranges")
    self.archive = archive
    self.memory = memory
  }

  /// Whether the plugin of an open archive reads ranges.
  package static func isPossible(_ archive: ArchiveSession) -> Bool {
    archive.plugin.helloAck?.accepts(.randomRead) ?? false
  }

  /// Ranges that may be under way at once.
  package var readsInFlightMax: Int { memory.shape.slotCount }

  /// Whether nothing is under way.
  package var isIdle: Bool { current == nil && waiting.isEmpty }

  /// Starts to read a range into the first bytes of a slot.
  ///
  /// Traps if the range is not one of the stream: that is a caller's bug.
  ///
  /// - Parameters:
  ///   - slot: One that nobody else touches until its completion.
  ///   - stream: One of the archive, not incremental: what is unchanged has no bytes here.
  ///   - range: 1…slotBytes bytes; begins on a multiple of 64 KiB, and ends on one or with the
  ///     stream.
  package func submit(slot: Int, _ stream: StreamDescription, _ range: Range<UInt64>) {
    precondition(!stream.isIncremental, "an increment has no ranges to read")
    precondition(
      !range.isEmpty && range.count <= memory.shape.slotBytes
        && range.lowerBound % Cluster.bytes == 0
        && range.upperBound <= stream.size ?? 0
        && (range.upperBound % Cluster.bytes == 0 || range.upperBound == stream.size),
      "a range that cannot be read")
    waiting.append(Order(slot: slot, stream: stream, range: range))
    startNext()
  }

  /// Adds what to wait for, for ``secondsToDeadline`` at most.
  package func addDescriptors(to poller: inout Poller) { archive.addDescriptors(to: &poller) }

  /// Seconds until the plugin's deadlines need looking at, 1 at most.
  package var secondsToDeadline: Double { archive.plugin.secondsToDeadline(.now) }

  /// Tells about every range that has come or failed; never blocks.
  ///
  /// - Throws: What ended the session; nothing comes any more.
  package func collect(_ body: (Completion) -> Void) throws(LaneFailure) {
    repeat { try archive.service() } while takeCompleted(body)
  }

  /// The same, after waiting for something to happen, a second at most.
  package func collectNext(_ body: (Completion) -> Void) throws(LaneFailure) {
    if !takeCompleted(body) { try archive.turn() }
    while takeCompleted(body) { try archive.service() }
  }

  /// - Returns: Whether a range was completed.
  private func takeCompleted(_ body: (Completion) -> Void) -> Bool {
    guard let (order, reception) = current, reception.isDone else { return false }
    archive.expect(nil)
    current = nil
    let failure: LaneFailure? =
      reception.status == .none
      ? nil
      : .unreadable(
        stream: order.stream.name, reception.status,
        archive.plugin.readFailure(reception.status))
    startNext()
    body(Completion(slot: order.slot, isZero: reception.isZero, failure: failure))
    return true
  }

  private func startNext() {
    guard current == nil, !waiting.isEmpty else { return }
    let order = waiting.removeFirst()
    let count = order.range.upperBound - order.range.lowerBound
    let request = archive.ask(
      ReadFrame(offset: order.range.lowerBound, length: count), stream: order.stream.id)
    let reception = unsafe RangeReception(
      stream: order.stream.id, range: order.range, request: request, pool: archive.pool,
      usesPool: archive.plugin.usesPool, memory: memory.unsafeBytes(slot: order.slot))
    current = (order, reception)
    archive.expect(reception)
  }
}
