internal import CLinux
internal import Glibc
internal import SharedPool
internal import System

/// Lets QEMU read a disk straight into the slots of a pool.
///
/// The front-end of a vhost-user-blk device with one queue; QEMU is the back-end. In the steady
/// state a read costs one eventfd write, and several completions one eventfd read.
final class VhostUserReader: DiskReader {
  private let pool: SharedPool
  private let size: UInt64
  private let server: ServingProcess
  private let kick: OwnedDescriptor
  private let call: OwnedDescriptor
  private var queue: VirtQueue
  private var socket: OwnedDescriptor?

  /// Sets the device up and reads its first sector.
  ///
  /// - Parameter size: Bytes of the stream; the device has as many, rounded up to a sector.
  init(
    socket: consuming OwnedDescriptor, pool: SharedPool, size: UInt64, server: ServingProcess
  ) throws(SourceError) {
    self.pool = pool
    self.size = size
    self.server = server
    kick = try lifted(Self.eventDescriptor)
    call = try lifted(Self.eventDescriptor)
    let requestCount = pool.shape.slotCount + 1
    queue = try lifted { () throws(SystemCallError) in try VirtQueue(requestCount: requestCount) }
    let deadline = Instant.now.advanced(bySeconds: Double(ServingProcess.handshakeSeconds))
    var channel = VhostUserChannel(socket: socket, deadline: deadline, server: server)
    let capacity = try VhostUserSetup.negotiate(&channel)
    guard capacity >= size else {
      throw .protocolBroken(what: "the disk has \(capacity) bytes instead of \(size)")
    }
    try VhostUserSetup.share(pool, queue.memory, on: &channel)
    try VhostUserSetup.start(
      entryCount: queue.entryCount, kick: kick.raw, call: call.raw, on: &channel)
    self.socket = channel.release()
    if capacity > 0 { try readFirstSector(until: deadline) }
  }

  private static func eventDescriptor() throws(SystemCallError) -> OwnedDescriptor {
    OwnedDescriptor(
      adopting: try check(clinux_eventfd(), .eventDescriptor, "a vhost-user queue"))
  }

  var readsInFlightMax: Int { pool.shape.slotCount }

  func submit(slot: Int, offset: UInt64, length: Int) throws(SourceError) {
    precondition(length > 0 && length <= pool.shape.slotBytes, "a read fits its slot")
    precondition(offset % 512 == 0 && offset <= size && UInt64(length) <= size - offset)
    precondition(slot >= 0 && slot < pool.shape.slotCount, "slot \(slot) is not in the pool")
    let target = VhostUserSetup.poolAddress + UInt64(slot * pool.shape.slotBytes)
    queue.submit(
      request: slot, offset: offset, target: target, length: UInt32((length + 511) & ~511))
    try notify()
  }

  private func notify() throws(SourceError) {
    var one: UInt64 = 1
    let written = unsafe clinux_write(kick.raw, &one, 8)
    // A full counter has not been read yet: the back-end will look all the same.
    guard written != -Int(EAGAIN) else { return }
    _ = try lifted { () throws(SystemCallError) in
      try check(written, .write, "the kick of a vhost-user queue")
    }
  }

  func addDescriptors(to poller: inout Poller) {
    poller.add(call.raw, .readable)
    if let socket = socket?.raw { poller.add(socket, .readable) }
  }

  func collect(_ body: (ReadCompletion) -> Void) throws(SourceError) {
    try drain { (request: Int, code: Int32) in
      if request < self.pool.shape.slotCount {
        body(ReadCompletion(slot: request, code: code))
      }
    }
    try checkLife()
  }

  /// The counter is cleared before the ring is looked at: what comes later sets it again.
  private func drain(_ body: (Int, Int32) -> Void) throws(SourceError) {
    var count: UInt64 = 0
    _ = unsafe clinux_read(call.raw, &count, 8)
    while let finished = try queue.nextFinished() { body(finished.request, finished.code) }
  }

  /// Nothing is said on the socket after the set-up; its end is the daemon's.
  private func checkLife() throws(SourceError) {
    guard let socket = socket?.raw else { return }
    var byte: UInt8 = 0
    switch unsafe clinux_receive(socket, &byte, 1) {
    case -Int(EAGAIN): return
    case 1: throw .protocolBroken(what: "it spoke unasked")
    default: throw server.gone()
    }
  }

  func close() { socket = nil }

  /// Proves that QEMU has mapped the memory, in a place that no slot's owner can see.
  private func readFirstSector(until deadline: Instant) throws(SourceError) {
    let request = pool.shape.slotCount
    queue.submit(
      request: request, offset: 0, target: VirtQueue.address + UInt64(VirtQueue.scratchAt),
      length: 512)
    try notify()
    var poller = Poller()
    var isDone = false
    while !isDone {
      let left = deadline.seconds(since: .now)
      guard left > 0 else {
        throw .notInTime(
          doing: "the first read", seconds: ServingProcess.handshakeSeconds,
          words: server.lastWords())
      }
      poller.removeAll()
      addDescriptors(to: &poller)
      do { _ = try poller.wait(seconds: left) } catch { throw .system(error) }
      // Its status does not matter here: a disk may well begin with a bad sector.
      try drain { (_, _) in isDone = true }
      try checkLife()
    }
  }
}
