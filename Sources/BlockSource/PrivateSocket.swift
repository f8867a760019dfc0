internal import CLinux
internal import Glibc
internal import System

/// A listening unix socket whose name is gone before anybody else could have seen it.
///
/// It is bound in a new directory of mode 0700 and unlinked at once. The daemon inherits the
/// listening end; this process keeps a handle on the nameless file, through which connect(2)
/// still reaches it, as often as wanted. So a crash leaves nothing behind in the filesystem.
final class PrivateSocket {
  /// Inherited by the daemon, then dropped here: its death shows as ECONNREFUSED.
  private var listener: OwnedDescriptor?
  private let handle: OwnedDescriptor

  /// O_PATH, which the Glibc module hides.
  private static let pathOnly: Int32 = 0o10000000

  /// - Parameter parent: Where there is room for a directory that lives for a moment.
  init(in parent: String = temporaryDirectory()) throws(SystemCallError) {
    let directory = try Self.makeDirectory(in: parent)
    defer { _ = unsafe rmdir(directory) }
    // Through the descriptor, because the name of a socket has at most 107 bytes.
    let inside = try openFile(directory, flags: O_DIRECTORY | O_RDONLY)
    let path = "/proc/self/fd/\(inside.raw)/s"
    listener = OwnedDescriptor(
      adopting: try check(unsafe clinux_unix_listen(path), .bind, directory))
    defer { _ = unsafe clinux_unlinkat(inside.raw, "s", 0) }
    handle = try openFile("s", in: inside.raw, flags: Self.pathOnly)
  }

  private static func makeDirectory(in parent: String) throws(SystemCallError) -> String {
    var template = Array("\(parent)/sluice-XXXXXX".utf8CString)
    let made = unsafe template.withUnsafeMutableBufferPointer { buffer in
      unsafe mkdtemp(buffer.baseAddress!) != nil
    }
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard made else { throw SystemCallError(.mkdir, subject: path, code: errno) }
    return path
  }

  static func temporaryDirectory() -> String {
    unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
  }

  /// The end for the daemon; -1 once dropped.
  var listeningDescriptor: Int32 { listener?.raw ?? -1 }

  /// Closes the listening end here: after the daemon has got its own.
  func dropListener() { listener = nil }

  /// Another connection, non-blocking. The daemon accepts it when it gets round to it.
  func connect() throws(SystemCallError) -> OwnedDescriptor {
    let path = "/proc/self/fd/\(handle.raw)"
    let socket = OwnedDescriptor(
      adopting: try check(
        unsafe clinux_unix_connect(path), .connect, "the socket of qemu-storage-daemon"))
    try check(clinux_set_nonblocking(socket.raw, 1), .setFlags, "a new connection")
    return socket
  }
}
