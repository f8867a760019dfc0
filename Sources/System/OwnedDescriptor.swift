internal import CLinux

/// A file descriptor with one owner; closed when the owner lets go of it.
///
/// Every descriptor made by this package is close-on-exec.
package struct OwnedDescriptor: ~Copyable, Sendable {
  /// The number the kernel knows it by; valid as long as the owner lives.
  package let raw: Int32

  /// Takes over `raw`, which no one else may close from now on.
  package init(adopting raw: Int32) {
    precondition(raw >= 0, "an owned descriptor is open")
    self.raw = raw
  }

  deinit { _ = clinux_close(raw) }

  /// Closes the descriptor and reports what the kernel says, e.g. a delayed write error.
  package consuming func close() throws(SystemCallError) {
    let raw = self.raw
    discard self
    try check(clinux_close(raw), .close, "descriptor \(raw)")
  }

  /// Gives the number away; the caller closes it.
  package consuming func release() -> Int32 {
    let raw = self.raw
    discard self
    return raw
  }

  /// A second descriptor of the same open file.
  package func duplicate() throws(SystemCallError) -> OwnedDescriptor {
    OwnedDescriptor(adopting: try check(clinux_duplicate(raw), .duplicate, "descriptor \(raw)"))
  }
}

/// Both ends of a pipe; each can be taken out once, what stays is closed with the pipe.
package struct Pipe: ~Copyable {
  /// Numbers of the ends, valid while the ends live.
  package let readRaw: Int32
  package let writeRaw: Int32
  private var readEnd: OwnedDescriptor?
  private var writeEnd: OwnedDescriptor?

  package init() throws(SystemCallError) {
    var readRaw: Int32 = -1
    var writeRaw: Int32 = -1
    try check(unsafe clinux_pipe(&readRaw, &writeRaw), .pipe, "a new pipe")
    self.readRaw = readRaw
    self.writeRaw = writeRaw
    readEnd = OwnedDescriptor(adopting: readRaw)
    writeEnd = OwnedDescriptor(adopting: writeRaw)
  }

  /// Takes the read end out.
  package mutating func takeReadEnd() -> OwnedDescriptor { Self.take(&readEnd) }

  /// Takes the write end out.
  package mutating func takeWriteEnd() -> OwnedDescriptor { Self.take(&writeEnd) }

  private static func take(_ end: inout OwnedDescriptor?) -> OwnedDescriptor {
    guard let taken = end.take() else { preconditionFailure("an end of a pipe is taken once") }
    return taken
  }
}

extension OwnedDescriptor {
  /// Makes reads and writes return at once instead of waiting.
  package borrowing func setNonblocking() throws(SystemCallError) {
    try check(clinux_set_nonblocking(raw, 1), .setFlags, "descriptor \(raw)")
  }
}
