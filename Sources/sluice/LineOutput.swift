internal import Glibc
internal import JSON
internal import JobSupport
internal import Synchronization
internal import System

/// Standard output or standard error, in lines. What standard output could not take is remembered:
/// a command whose result is cut off has not succeeded.
final class LineOutput: Sendable {
  static let standard = LineOutput(1)
  private static let errors = LineOutput(2)

  /// The output of that number.
  static func of(_ descriptor: Int32) -> LineOutput { descriptor == 1 ? standard : errors }

  private let descriptor: Int32
  private let failed = Mutex<Int32?>(nil)

  private init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// The first error there was, as errno.
  ///
  /// A reader that is gone, or an output that was closed from the start, wants no more.
  var failure: Int32? { failed.withLock { $0 } }

  /// Writes a line whole.
  func write(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    var done = 0
    while done < bytes.count {
      let count = unsafe bytes[done...].withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if count >= 0 {
        done += count
      } else if !canGoOn(errno) {
        return
      }
    }
  }

  private func canGoOn(_ code: Int32) -> Bool {
    switch code {
    case EINTR: return true
    case EAGAIN:
      var poller = Poller()
      poller.add(descriptor, .writable)
      return (try? poller.wait(seconds: nil)) != nil
    case EPIPE, EBADF: return false
    default:
      failed.withLock { $0 = $0 ?? code }
      return false
    }
  }
}

/// Writes lines for people, without control characters: they quote what peers say. A reader that is
/// gone does not stop a backup.
func write(_ lines: String, to descriptor: Int32) {
  for line in lines.split(separator: "\n", omittingEmptySubsequences: false) {
    LineOutput.of(descriptor).write(sanitised(line.utf8))
  }
}

/// What an event is of, as far as it is known.
struct EventOrigin {
  var job: String?
  /// Empty if it has no name.
  var machine = ""
}

/// Writes a line for tools, with the time, and the host, job and machine that it is of.
func write(event: JSONValue, from origin: EventOrigin = EventOrigin()) {
  var object = JSONObject()
  for member in event.object?.members ?? [] {
    object[member.name] = member.value
    guard member.name == "event" else { continue }
    object["time"] = .string(makeTimeOfEvent())
    object["host"] = .string(hostName())
    if let job = origin.job { object["job"] = .string(job) }
    // A listing has said it itself.
    if !origin.machine.isEmpty { object["machine"] = .string(origin.machine) }
  }
  LineOutput.standard.write(escaped(json: JSONValue.object(object).text))
}

/// The name of this host; empty if it has none.
private func hostName() -> String {
  var name = [CChar](repeating: 0, count: Int(HOST_NAME_MAX) + 1)
  guard unsafe gethostname(&name, name.count) == 0 else { return "" }
  return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
