package import BackupProtocol
package import BlockSource
internal import SharedPool
package import System

/// The giver's side of one stream: fills the slots that the taker orders.
package final class HandoverTarget: ReadTarget {
  private let name: String
  private let handover: StreamHandover
  /// Orders that are still to come.
  private var ordersLeft: Int
  private var pending: StreamHandover.Order?

  /// - Parameter map: The one that the taker plans its reads by.
  package init(name: String, map: [Extent], _ handover: StreamHandover) {
    self.name = name
    self.handover = handover
    ordersLeft = ChunkPlan.readCount(map)
  }

  package func put(
    _ bytes: UnsafeRawBufferPointer, masks: Span<BlockMask>, at offset: UInt64
  ) throws(LaneFailure) {
    let end = offset + UInt64(bytes.count)
    var order = try next()
    while order.end <= offset {
      finish(order, isZero: true)
      order = try next()
    }
    guard order.offset >= offset, order.end <= end else { throw changed }
    let start = Int(order.offset - offset)
    let slot = unsafe handover.pool.unsafeBytes(slot: Int(order.slot))
    unsafe slot.copyMemory(
      from: UnsafeRawBufferPointer(rebasing: bytes[start..<(start + Int(order.length))]))
    finish(order, isZero: false)
  }

  /// What was ordered behind the last data is zeros.
  package func finish() throws(LaneFailure) {
    while ordersLeft > 0 { finish(try next(), isZero: true) }
  }

  private func next() throws(LaneFailure) -> StreamHandover.Order {
    if let pending { return pending }
    // Data where the map had none: only another reading of the archive can have made the map.
    guard ordersLeft > 0 else { throw changed }
    let order = try handover.nextOrder()
    pending = order
    return order
  }

  private func finish(_ order: StreamHandover.Order, isZero: Bool) {
    handover.answer(order, isZero: isZero)
    pending = nil
    ordersLeft -= 1
  }

  private var changed: LaneFailure {
    .archive(stream: name, "changed while it was being read")
  }
}

/// The taker's side of one stream.
package final class HandoverReader: DiskReader {
  private let handover: StreamHandover
  private var inFlight = 0

  package init(_ handover: StreamHandover) { self.handover = handover }

  package var readsInFlightMax: Int { handover.pool.shape.slotCount }

  package func submit(slot: Int, offset: UInt64, length: Int) {
    inFlight += 1
    handover.order(
      StreamHandover.Order(offset: offset, slot: UInt32(slot), length: UInt32(length)))
  }

  /// A giver that has given everything is gone: that is news only to who waits for something.
  package func addDescriptors(to poller: inout Poller) {
    guard inFlight > 0 else { return }
    poller.add(handover.takersDescriptor, .readable)
  }

  package func collect(_ body: (ReadCompletion) -> Void) throws(SourceError) {
    let goesOn = handover.collect { answer in
      inFlight -= 1
      body(ReadCompletion(slot: Int(answer.slot), code: 0, isZero: answer.isZero != 0))
    }
    guard goesOn || inFlight == 0 else {
      throw .refused(doing: "reading", words: "the reader plugin has ended")
    }
  }

  package func close() {}
}
