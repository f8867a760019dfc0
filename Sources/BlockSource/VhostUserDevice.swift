internal import CLinux
internal import Glibc
internal import SharedPool
internal import System

/// The front-end of a vhost-user-blk device with one queue; QEMU is the back-end.
///
/// In the steady state a request costs one eventfd write, and several completions one eventfd read.
final class VhostUserDevice {
  private let server: ServingProcess
  private let kick: OwnedDescriptor
  private let call: OwnedDescriptor
  private var queue: VirtQueue
  private var socket: OwnedDescriptor?
  private let deadline: MonotonicTime
  /// Bytes of the disk, whole sectors.
  let capacity: UInt64

  /// Sets the device up; nothing is read yet.
  ///
  /// - Parameters:
  ///   - memory: What requests read from and write to.
  ///   - requestCount: Requests that may be in flight, 1…257.
  init(
    socket: consuming OwnedDescriptor, memory: SharedPool, requestCount: Int,
    features: UInt64 = 0, server: ServingProcess
  ) throws(SourceError) {
    self.server = server
    kick = try lifted(Self.eventDescriptor)
    call = try lifted(Self.eventDescriptor)
    queue = try lifted { () throws(SystemCallError) in try VirtQueue(requestCount: requestCount) }
    deadline = MonotonicTime.now.advanced(bySeconds: Double(ServingProcess.handshakeSeconds))
    var channel = VhostUserChannel(socket: socket, deadline: deadline, server: server)
    capacity = try VhostUserSetup.negotiate(&channel, features: features)
    try VhostUserSetup.share(memory, queue.memory, on: &channel)
    try VhostUserSetup.start(
      entryCount: queue.entryCount, kick: kick.raw, call: call.raw, on: &channel)
    self.socket = channel.release()
  }

  private static func eventDescriptor() throws(SystemCallError) -> OwnedDescriptor {
    OwnedDescriptor(
      adopting: try check(clinux_eventfd(), .eventDescriptor, "a vhost-user queue"))
  }

  /// Hands a request to the device; see ``VirtQueue/submit(_:request:offset:target:length:)``.
  func submit(
    _ kind: VirtQueue.Kind, request: Int, offset: UInt64, target: UInt64, length: UInt32
  ) throws(SourceError) {
    queue.submit(kind, request: request, offset: offset, target: target, length: length)
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

  /// Tells of each request that has ended, with its errno; never blocks.
  ///
  /// The counter is cleared before the ring is looked at: what comes later sets it again.
  func collect(_ body: (_ request: Int, _ code: Int32) -> Void) throws(SourceError) {
    var count: UInt64 = 0
    _ = unsafe clinux_read(call.raw, &count, 8)
    while let finished = try queue.nextFinished() { body(finished.request, finished.code) }
    try checkLife()
  }

  /// Nothing is said on the socket after the set-up; its end is the daemon's.
  private func checkLife() throws(SourceError) {
    guard let socket = socket?.raw else { return }
    var byte: UInt8 = 0
    switch unsafe clinux_receive(socket, &byte, 1) {
    case -Int(EAGAIN): return
    case 1: throw .protocolBroken(what: "unsolicited message")
    default: throw server.gone()
    }
  }

  /// Ends the connection when what is in flight has ended, or a second later.
  ///
  /// A QEMU whose client goes first waits for those requests itself, and QEMU 8.2 and later would
  /// crash if the guest were paused meanwhile (`remove_watch` in util/vhost-user-server.c).
  func close() {
    let left = Int(queue.inFlightCount)
    if socket != nil && left > 0 {
      try? wait(
        for: left, until: .now.advanced(bySeconds: 1), 1, doing: "the last reads", { _, _ in })
    }
    socket = nil
  }

  /// Proves that QEMU has mapped the memory, in a place that nobody else can see.
  ///
  /// - Parameter request: One that is not in flight.
  func readFirstSector(request: Int) throws(SourceError) {
    guard capacity > 0 else { return }
    try submit(.read, request: request, offset: 0, target: VirtQueue.scratch, length: 512)
    // Its status does not matter here: a disk may well begin with a bad sector.
    try wait(for: 1, until: deadline, ServingProcess.handshakeSeconds, doing: "the first read") {
      (_, _) in
    }
  }

  /// Waits until so many requests have ended.
  func wait(
    for count: Int, until deadline: MonotonicTime, _ seconds: Int, doing: String,
    _ body: (_ request: Int, _ code: Int32) -> Void
  ) throws(SourceError) {
    var poller = Poller()
    var left = count
    while left > 0 {
      let time = deadline.seconds(since: .now)
      guard time > 0 else {
        throw .notInTime(doing: doing, seconds: seconds, words: server.lastWords())
      }
      poller.removeAll()
      addDescriptors(to: &poller)
      do { _ = try poller.wait(seconds: time) } catch { throw .system(error) }
      try collect { request, code in
        left -= 1
        body(request, code)
      }
    }
  }
}
