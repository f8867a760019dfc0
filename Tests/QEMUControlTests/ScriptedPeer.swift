import CLinux
import CommandLine
import Glibc
import Synchronization
import System

/// Something that listens on a unix socket and is no QEMU: it serves one connection at a time.
///
/// For what a real QEMU and a real agent cannot be made to do.
final class ScriptedPeer: Sendable {
  /// What came in so far, over all connections.
  let heard = Mutex<[UInt8]>([])
  let path: String
  private let files: Scratch
  private let listener: OwnedDescriptor
  private let stop: OwnedDescriptor

  /// - Parameters:
  ///   - first: Bytes that every connection gets at once.
  ///   - answer: What is sent for a line that came in; `nil` closes the connection.
  init(
    first: [UInt8] = [], answer: @escaping @Sendable (String) -> [UInt8]? = { _ in [] }
  ) throws {
    files = try Scratch()
    path = files.path("peer")
    listener = OwnedDescriptor(adopting: try check(clinux_unix_listen(path), .bind, path))
    stop = OwnedDescriptor(adopting: try check(clinux_eventfd(), .eventDescriptor, path))
    let listening = try listener.duplicate().release()
    let ending = try stop.duplicate().release()
    try WorkerThread(name: "peer") { [weak self] in
      let listener = OwnedDescriptor(adopting: listening)
      let stop = OwnedDescriptor(adopting: ending)
      while Self.waits(for: listener.raw, stop: stop.raw) {
        let raw = accept(listener.raw, nil, nil)
        guard raw >= 0 else { return }
        let socket = OwnedDescriptor(adopting: raw)
        Self.serve(socket.raw, stop.raw, first, answer) { bytes in
          self?.heard.withLock { $0 += bytes }
        }
      }
    }.detach()
  }

  deinit {
    var one: UInt64 = 1
    _ = clinux_write(stop.raw, &one, 8)
  }

  var heardText: String { String(decoding: heard.withLock { $0 }, as: UTF8.self) }

  private static func waits(for socket: Int32, stop: Int32) -> Bool {
    var poller = Poller()
    poller.add(socket, .readable)
    poller.add(stop, .readable)
    _ = try? poller.wait(seconds: 30)
    return poller.result(0).contains(.readable) && poller.result(1).isEmpty
  }

  private static func serve(
    _ socket: Int32, _ stop: Int32, _ first: [UInt8], _ answer: (String) -> [UInt8]?,
    _ hear: ([UInt8]) -> Void
  ) {
    guard say(first, socket) else { return }
    var line: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while waits(for: socket, stop: stop) {
      let count = clinux_receive(socket, &buffer, 4096)
      guard count > 0 else { return }
      hear(Array(buffer.prefix(count)))
      for byte in buffer.prefix(count) {
        guard byte == UInt8(ascii: "\n") else {
          line.append(byte)
          continue
        }
        guard let words = answer(String(decoding: line, as: UTF8.self)), say(words, socket)
        else { return }
        line = []
      }
    }
  }

  private static func say(_ bytes: [UInt8], _ socket: Int32) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        clinux_send_with_descriptors(socket, $0.baseAddress!, $0.count, nil, 0)
      }
      if count <= 0 { return false }
      sent += count
    }
    return true
  }
}

/// Waits for something to become true.
func eventually(
  within seconds: Double = 5, _ condition: () async throws -> Bool
) async throws
  -> Bool
{
  let deadline = MonotonicTime.now.advanced(bySeconds: seconds)
  while MonotonicTime.now < deadline {
    if try await condition() { return true }
    try await Task.sleep(for: .milliseconds(10))
  }
  return false
}
