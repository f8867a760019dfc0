/// What the process may take of the machine; each becomes both limits of setrlimit(2), never above
/// what the caller may have itself. `nil` leaves the caller's limit.
package struct ResourceLimits: Sendable, Equatable {
  /// Bytes of address space, shared mappings (the pool) included.
  package var addressSpaceBytes: UInt64?
  /// Bytes of private writable memory: heap and thread stacks.
  package var dataBytes: UInt64?
  /// Length in bytes a file may grow to, holes included.
  package var fileBytes: UInt64?
  /// Processes and threads of the process's user.
  package var processes: UInt64?
  /// One above the highest descriptor. Not above 1000, where the launcher's own two are.
  package var openFiles: UInt64
  /// Bytes that may be locked into memory.
  package var lockedBytes: UInt64? = 0

  package init(
    addressSpaceBytes: UInt64?, dataBytes: UInt64?, fileBytes: UInt64?, processes: UInt64?,
    openFiles: UInt64 = 64
  ) {
    self.addressSpaceBytes = addressSpaceBytes
    self.dataBytes = dataBytes
    self.fileBytes = fileBytes
    self.processes = processes
    self.openFiles = openFiles
  }
}

extension ResourceLimits {
  /// Numbers of the kernel's resources (asm-generic/resource.h), with their values.
  var table: [(resource: UInt32, value: UInt64)] {
    let optional: [(UInt32, UInt64?)] = [
      (9, addressSpaceBytes), (2, dataBytes), (1, fileBytes), (6, processes), (8, lockedBytes),
    ]
    // RLIMIT_CORE: 1 and not 0, for 0 still starts a core handler that is a pipe.
    let always: [(resource: UInt32, value: UInt64)] = [
      (4, 1), (12, 0), (7, min(openFiles, 1000)),
    ]
    return optional.compactMap { entry in entry.1.map { (entry.0, $0) } } + always
  }
}
