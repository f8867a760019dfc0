package import System

/// Why a command to QEMU has no result.
package enum QMPError: Error, Equatable, Sendable {
  /// Nobody listens there, or we may not connect.
  case cannotConnect(path: String, code: Int32)
  /// No greeting: QEMU serves one client per socket, and there is another one.
  case occupied(path: String, seconds: Double)
  /// Something answered that is no QEMU monitor.
  case notQMP(path: String, what: String)
  /// The connection ended before the answer came; whether QEMU did it is unknown.
  case disconnected(doing: String)
  /// No answer in time; it may still be done, and its late answer is ignored.
  case notInTime(command: String, seconds: Double)
  /// QEMU's answer is an error; `class` as in `qapi/error.json`, most often "GenericError".
  case refused(command: String, class: String, words: String)
  /// QEMU said something that QMP does not know; the connection is closed.
  case protocolBroken(what: String)
  /// So many commands wait for their answers that no other is taken; the connection is sound.
  case busy(command: String, waiting: Int)
  case system(SystemCallError)
}

extension QMPError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .cannotConnect(let path, let code):
      "cannot connect to \(path): \(errnoText(code))"
    case .occupied(let path, let seconds):
      """
      no greeting from \(path) within \(rounded(seconds)) s: in use by another program; start QEMU \
      with a second QMP socket (-qmp unix:PATH,server=on,wait=off)
      """
    case .notQMP(let path, let what): "\(path) is not a QMP socket: \(what)"
    case .disconnected(let doing): "QEMU's connection was closed during \(doing)"
    case .notInTime(let command, let seconds):
      "QEMU did not answer \(command) within \(rounded(seconds)) s"
    case .refused(let command, _, let words): "QEMU refused \(command): \(words)"
    case .protocolBroken(let what): "QMP protocol error: \(what)"
    case .busy(let command, let waiting):
      "cannot send \(command): \(waiting) commands are pending"
    case .system(let error): "\(error)"
    }
  }
}
