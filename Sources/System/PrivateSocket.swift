internal import CLinux
internal import Glibc

/// A listening unix socket whose name is gone before anybody else could have seen it.
///
/// It is bound in a new directory of mode 0700 and unlinked at once. The process that serves it
/// inherits the listening end, or gets it sent; this process keeps a handle on the nameless file,
/// through which connect(2) still reaches it, as often as wanted. So a crash leaves nothing behind
/// in the filesystem.
package final class PrivateSocket {
  /// Given to the server, then dropped here: its death shows as ECONNREFUSED.
  private var listener: OwnedDescriptor?
  private let handle: OwnedDescriptor

  /// O_PATH, which the Glibc module hides.
  private static let pathOnly: Int32 = 0o10000000

  /// - Parameter parent: Where there is room for a directory that lives for a moment.
  package init(in parent: String = temporaryDirectory()) throws(SystemCallError) {
    let directory = try Self.makeDirectory(in: parent)
    defer { _ = unsafe clinux_unlinkat(currentDirectory, directory, 1) }
    // Through the descriptor, because the name of a socket has at most 107 bytes.
    let inside = try openFile(directory, flags: O_DIRECTORY | O_RDONLY)
    let path = "/proc/self/fd/\(inside.raw)/s"
    listener = OwnedDescriptor(
      adopting: try check(unsafe clinux_unix_listen(path), .bind, directory))
    defer { _ = unsafe clinux_unlinkat(inside.raw, "s", 0) }
    handle = try openFile("s", in: inside.raw, flags: Self.pathOnly)
  }

  private static func makeDirectory(in parent: String) throws(SystemCallError) -> String {
    var template = nameBytes("\(parent)/sluice-XXXXXX").map { CChar(bitPattern: $0) } + [0]
    let made = unsafe template.withUnsafeMutableBufferPointer { buffer in
      unsafe mkdtemp(buffer.baseAddress!) != nil
    }
    let path = nameText(template.dropLast().map { UInt8(bitPattern: $0) })
    guard made else {
      throw SystemCallError(
        .mkdir, subject: "a temporary directory in \(parent) (see TMPDIR)", code: errno)
    }
    return path
  }

  /// `TMPDIR`, or what is usual.
  package static func temporaryDirectory() -> String {
    guard let value = unsafe getenv("TMPDIR") else { return "/tmp" }
    let text = unsafe nameText(cString: value)
    return text.isEmpty ? "/tmp" : text
  }

  /// The end for the server; -1 once dropped.
  package var listeningDescriptor: Int32 { listener?.raw ?? -1 }

  /// Closes the listening end here: after the server has got its own.
  package func dropListener() { listener = nil }

  /// Another connection, non-blocking. The server accepts it when it gets round to it.
  package func connect() throws(SystemCallError) -> OwnedDescriptor {
    let path = "/proc/self/fd/\(handle.raw)"
    let socket = OwnedDescriptor(
      adopting: try check(
        unsafe clinux_unix_connect(path), .connect, "a socket of QEMU"))
    try check(clinux_set_nonblocking(socket.raw, 1), .setFlags, "a new connection")
    return socket
  }
}
