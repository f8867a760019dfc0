internal import CLinux
internal import Glibc
internal import System

/// Connects to a unix socket, waiting while those who came before are not yet accepted.
///
/// - Parameters:
///   - path: At most 107 bytes.
///   - seconds: How long a full queue of the listener is waited for.
/// - Returns: The socket, or `nil` if the queue stayed full.
/// - Throws: `SystemCallError` naming the path.
func connectUnix(_ path: String, seconds: Double) async throws(SystemCallError) -> OwnedDescriptor?
{
  let deadline = MonotonicTime.now.advanced(bySeconds: seconds)
  while true {
    let result = unsafe clinux_unix_connect_now(path)
    if result >= 0 { return OwnedDescriptor(adopting: result) }
    guard result == -EAGAIN else {
      throw SystemCallError(.connect, subject: path, code: -result)
    }
    guard MonotonicTime.now < deadline else { return nil }
    await pause(milliseconds: 20)
  }
}

/// Sleeps, in a cancelled task too: what takes down after a cancellation must not spin.
func pause(milliseconds: Int) async {
  await Task.detached { try? await Task.sleep(for: .milliseconds(milliseconds)) }.value
}

/// Seconds for people: tenths.
func rounded(_ seconds: Double) -> String { "\((seconds * 10).rounded() / 10)" }
