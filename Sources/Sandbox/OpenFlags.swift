/// Bits of open(2) that the Glibc module hides or that differ between architectures.
enum OpenFlags {
  #if arch(arm64)
  static let directory: UInt64 = 0o40000
  static let noFollow: UInt64 = 0o100000
  static let direct: UInt64 = 0o200000
  static let largeFile: UInt64 = 0o400000
  #else
  static let directory: UInt64 = 0o200000
  static let noFollow: UInt64 = 0o400000
  static let direct: UInt64 = 0o40000
  static let largeFile: UInt64 = 0o100000
  #endif
  static let access: UInt64 = 0o3
  static let create: UInt64 = 0o100
  static let exclusive: UInt64 = 0o200
  static let noTerminal: UInt64 = 0o400
  static let truncate: UInt64 = 0o1000
  static let append: UInt64 = 0o2000
  static let nonBlocking: UInt64 = 0o4000
  static let synchronous: UInt64 = 0o4010000
  static let closeOnExec: UInt64 = 0o2000000
  static let pathOnly: UInt64 = 0o10000000
  /// The bit of O_TMPFILE that is its own.
  static let temporary: UInt64 = 0o20000000

  /// Opening to read. Without O_PATH, O_TMPFILE, O_ASYNC and O_NOATIME.
  static let reading = directory | noFollow | direct | largeFile | nonBlocking | closeOnExec
  /// Opening to write, but for O_CREAT, whose mode must be looked at.
  static let writing = reading | access | exclusive | truncate | append | synchronous
}
