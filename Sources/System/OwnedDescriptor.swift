internal import CLinux

/// A file descriptor with one owner; closed when the owner lets go of it.
///
/// Every descriptor made by this package is close-on-exec.
package struct OwnedDescriptor: ~Copyable, Sendable {
  /// The number the kernel knows it by; valid as long as the owner lives.
  package let raw: Int32

  /// Takes over `raw`, which nobody else may close from now on.
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

/// Both ends of a pipe.
package struct Pipe: ~Copyable, Sendable {
  package let readEnd: OwnedDescriptor
  package let writeEnd: OwnedDescriptor

  package init() throws(SystemCallError) {
    var readEnd: Int32 = -1
    var writeEnd: Int32 = -1
    try check(unsafe clinux_pipe(&readEnd, &writeEnd), .pipe, "a new pipe")
    self.readEnd = OwnedDescriptor(adopting: readEnd)
    self.writeEnd = OwnedDescriptor(adopting: writeEnd)
  }
  /// Keeps the end that is read from and closes the other.
  package consuming func takeReadEnd() -> OwnedDescriptor { readEnd }

  /// Keeps the end that is written to and closes the other.
  package consuming func takeWriteEnd() -> OwnedDescriptor { writeEnd }
}
