internal import CNBD
internal import System

/// A connection to one export of the daemon's NBD server; libnbd speaks the protocol.
///
/// Specified in the NBD project's `doc/proto.md`; calls in libnbd(3).
@safe final class NBDConnection {
  /// What a connection is for: QEMU answers the two differently.
  enum Purpose {
    /// Simple replies. With structured ones QEMU 7.2 answers a bad sector by hanging up.
    case data
    /// Structured replies, which carry `base:allocation`.
    ///
    /// - bitmap: Name of a dirty bitmap that is shown, too.
    case allocation(bitmap: String? = nil)
  }

  /// What the runs of an answer tell of.
  enum Context {
    case allocation, changes

    fileprivate static let allocationName = "base:allocation"
    fileprivate static let bitmapPrefix = "qemu:dirty-bitmap:"

    fileprivate init?(_ name: String) {
      if name == Self.allocationName {
        self = .allocation
      } else if name.hasPrefix(Self.bitmapPrefix) {
        self = .changes
      } else {
        return nil
      }
    }
  }

  private nonisolated(unsafe) let handle: OpaquePointer
  private let server: ServingProcess

  init(
    socket: consuming OwnedDescriptor, export: String, for purpose: Purpose, server: ServingProcess
  ) throws(SourceError) {
    guard let handle = unsafe nbd_create() else {
      throw .refused(doing: "libnbd", words: Self.libraryWords())
    }
    unsafe self.handle = unsafe handle
    self.server = server
    unsafe try check(nbd_set_export_name(handle, export))
    switch purpose {
    case .data: unsafe try check(nbd_set_request_structured_replies(handle, false))
    case .allocation(let bitmap):
      unsafe try check(nbd_add_meta_context(handle, Context.allocationName))
      guard let bitmap else { break }
      unsafe try check(nbd_add_meta_context(handle, Context.bitmapPrefix + bitmap))
    }
    // Otherwise every buffer is cleared before it is filled.
    unsafe try check(nbd_set_pread_initialize(handle, false))
    unsafe try check(nbd_aio_connect_socket(handle, socket.release()))
    let deadline = MonotonicTime.now.advanced(bySeconds: Double(ServingProcess.handshakeSeconds))
    while unsafe nbd_aio_is_connecting(handle) == 1 {
      try advance(until: deadline, ServingProcess.handshakeSeconds, doing: "the NBD handshake")
    }
    guard unsafe nbd_aio_is_ready(handle) == 1 else { throw failure() }
  }

  deinit { unsafe nbd_close(handle) }

  /// Bytes of the export: the disk, rounded to sectors.
  var size: UInt64 {
    get throws(SourceError) {
      let size = unsafe nbd_get_size(handle)
      guard size >= 0 else { throw failure() }
      return UInt64(size)
    }
  }

  /// Whether the server tells holes from data.
  var knowsAllocation: Bool {
    unsafe nbd_can_meta_context(handle, Context.allocationName) == 1
  }

  /// Whether the server shows a dirty bitmap that was asked for.
  func shows(bitmap: String) -> Bool {
    unsafe nbd_can_meta_context(handle, Context.bitmapPrefix + bitmap) == 1
  }

  // Many commands in flight

  /// What to wait for now.
  func addDescriptors(to poller: inout Poller) {
    let descriptor = unsafe nbd_aio_get_fd(handle)
    let direction = unsafe nbd_aio_get_direction(handle)
    var interest: Readiness = []
    if direction & UInt32(LIBNBD_AIO_DIRECTION_READ) != 0 { interest.insert(.readable) }
    if direction & UInt32(LIBNBD_AIO_DIRECTION_WRITE) != 0 { interest.insert(.writable) }
    if descriptor >= 0 { poller.add(descriptor, interest) }
  }

  /// Moves bytes as far as the socket allows now.
  func advanceWithoutWaiting() throws(SourceError) {
    while true {
      let moved = unsafe nbd_poll(handle, 0)
      if moved == 0 { return }
      if moved < 0 { throw failure() }
    }
  }

  /// Starts a read straight into `buffer`, which must live until the command has completed.
  ///
  /// - Returns: The command's cookie.
  func startRead(
    into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(SourceError) -> Int64 {
    let none = unsafe nbd_completion_callback(callback: nil, user_data: nil, free: nil)
    let cookie = unsafe nbd_aio_pread(
      handle, buffer.baseAddress!, buffer.count, offset, none, 0)
    guard cookie >= 0 else { throw failure() }
    return cookie
  }

  /// Takes a finished command off the list, with its errno; `nil` if none has finished.
  func nextFinished() throws(SourceError) -> (cookie: Int64, code: Int32)? {
    let cookie = unsafe nbd_aio_peek_command_completed(handle)
    // An error here means that nothing is in flight.
    guard cookie > 0 else { return nil }
    return (cookie, try finish(cookie) ?? 0)
  }

  /// The errno of a command, or `nil` while it is in flight.
  private func finish(_ cookie: Int64) throws(SourceError) -> Int32? {
    switch unsafe nbd_aio_command_completed(handle, UInt64(cookie)) {
    case 1: return 0
    case 0: return nil
    default:
      let code = nbd_get_errno()
      if unsafe nbd_aio_is_ready(handle) != 1 { try checkLife() }
      return code > 0 ? code : 5
    }
  }

  /// - Throws: `.daemonGone` if the connection is over.
  func checkLife() throws(SourceError) {
    let isOver = unsafe nbd_aio_is_dead(handle) == 1 || nbd_aio_is_closed(handle) == 1
    if isOver { throw server.gone() }
  }

  // One command at a time

  /// Asks for the kinds of a range and hands the answer's runs to `body`, in order.
  ///
  /// - Parameters:
  ///   - length: 1…4 GiB − 1. The answer may cover less or more.
  ///   - seconds: How long the answer may take.
  ///   - body: Gets a length in bytes and the flags of a context. Each context has runs of its own,
  ///     from `offset` on.
  func blockStatus(
    offset: UInt64, length: UInt64, seconds: Int, _ body: (Context, UInt32, UInt32) -> Void
  ) throws(SourceError) {
    let result = withoutActuallyEscaping(body) { body -> Result<Void, SourceError> in
      var sink = StatusSink(body: body)
      return unsafe withUnsafeMutablePointer(to: &sink) { sink -> Result<Void, SourceError> in
        Result { () throws(SourceError) in
          unsafe try ask(offset: offset, length: length, seconds: seconds, sink)
        }
      }
    }
    try result.get()
  }

  private func ask(
    offset: UInt64, length: UInt64, seconds: Int, _ sink: UnsafeMutablePointer<StatusSink>
  ) throws(SourceError) {
    let extents = unsafe nbd_extent_callback(
      callback: { data, context, _, entries, count, _ in
        guard let entries = unsafe entries, let data = unsafe data, let name = unsafe context else {
          return -1
        }
        let sink = unsafe data.assumingMemoryBound(to: StatusSink.self)
        guard let context = Context(unsafe String(cString: name)) else { return 0 }
        for index in stride(from: 0, to: Int(count) - 1, by: 2) {
          unsafe sink.pointee.body(context, entries[index], entries[index + 1])
        }
        return 0
      }, user_data: sink, free: nil)
    let none = unsafe nbd_completion_callback(callback: nil, user_data: nil, free: nil)
    let cookie = unsafe nbd_aio_block_status(handle, length, offset, extents, none, 0)
    guard cookie >= 0 else { throw failure() }
    let deadline = MonotonicTime.now.advanced(bySeconds: Double(seconds))
    var code: Int32?
    while true {
      code = try finish(cookie)
      if code != nil { break }
      try advance(until: deadline, seconds, doing: "the allocation map")
    }
    if let code, code != 0 {
      throw .refused(doing: "the allocation map", words: errnoText(code))
    }
  }

  private func advance(
    until deadline: MonotonicTime, _ seconds: Int, doing: String
  ) throws(SourceError) {
    let left = deadline.seconds(since: .now)
    guard left > 0 else {
      throw .notInTime(doing: doing, seconds: seconds, words: server.lastWords())
    }
    if unsafe nbd_poll(handle, Int32(min(left, 3600) * 1000) + 1) < 0 { throw failure() }
  }

  // Errors

  private func check(_ result: Int32) throws(SourceError) {
    if result < 0 { throw failure() }
  }

  /// What went wrong in the last call of this thread.
  private func failure() -> SourceError {
    let words = Self.libraryWords()
    do { try checkLife() } catch { return error }
    return .protocolBroken(what: words)
  }

  private static func libraryWords() -> String {
    guard let words = unsafe nbd_get_error() else { return "unknown libnbd error" }
    return CapturedWords.lastWords(of: Array(unsafe String(cString: words).utf8))
  }
}

/// Where the runs of one answer go.
private struct StatusSink {
  let body: (NBDConnection.Context, UInt32, UInt32) -> Void
}
