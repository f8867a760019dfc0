internal import CLinux
internal import Glibc
internal import System

/// A file of an archive, or the archive itself: each call does all that it says, or throws. It is
/// closed when it is dropped, unless it is the archive itself.
///
/// A pipe knows ``append(_:)``, ``finish()`` and ``readNext(_:)`` only.
public struct ArchiveFile: ~Copyable, Sendable {
  /// For calls of your own.
  public let descriptor: Int32
  /// Bytes that were appended by this value: where the next ones go, in a file that was empty.
  public private(set) var place: UInt64 = 0
  private let name: String
  private let isOwned: Bool

  init(borrowing descriptor: Int32) {
    self.init(descriptor, "the archive", isOwned: false)
  }

  /// Makes a file that is not there yet.
  static func create(
    _ name: String, in directory: Int32
  ) throws(PluginError) -> ArchiveFile {
    let descriptor = try open(name, in: directory, O_RDWR | O_CREAT | O_EXCL)
    return ArchiveFile(descriptor, name, isOwned: true)
  }

  /// Opens a plain file. Without O_NONBLOCK a pipe in its place would hold the open.
  static func open(_ name: String, in directory: Int32) throws(PluginError) -> ArchiveFile {
    let descriptor = try open(name, in: directory, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    let file = ArchiveFile(descriptor, name, isOwned: true)
    guard try file.status().kind == .regular else {
      throw PluginError(.corrupt, "\(name) is no plain file")
    }
    return file
  }

  private init(_ descriptor: Int32, _ name: String, isOwned: Bool) {
    self.descriptor = descriptor
    self.name = name
    self.isOwned = isOwned
  }

  deinit { if isOwned { _ = clinux_close(descriptor) } }

  private static func open(
    _ name: String, in directory: Int32, _ flags: Int32
  ) throws(PluginError) -> Int32 {
    guard !["", ".", ".."].contains(name), !name.utf8.contains(UInt8(ascii: "/")) else {
      throw PluginError(.internal, "\"\(name)\" is no name of a file in an archive")
    }
    do throws(SystemCallError) {
      return try openFile(name, in: directory, flags: flags, mode: 0o666).release()
    } catch {
      guard error.code == ELOOP else { throw PluginError("opening \(name)", errno: error.code) }
      throw PluginError(.corrupt, "\(name) is a link")
    }
  }
}

// Writing

extension ArchiveFile {
  /// Writes all of the bytes at a place; what lies between the end and there becomes a hole.
  public func write(_ bytes: RawSpan, at offset: UInt64) throws(PluginError) {
    try unsafe put(bytes, "writing") { start, count, done in
      unsafe clinux_pwrite(descriptor, start, count, Int64(clamping: offset + UInt64(done)))
    }
  }

  /// Writes all of the bytes at a place.
  public func write(_ bytes: [UInt8], at offset: UInt64) throws(PluginError) {
    try unsafe write(bytes.span.bytes, at: offset)
  }

  /// Writes all of the bytes behind those that were appended before.
  public mutating func append(_ bytes: RawSpan) throws(PluginError) {
    try unsafe put(bytes, "writing") { start, count, _ in
      unsafe clinux_write(descriptor, start, count)
    }
    place += UInt64(bytes.byteCount)
  }

  /// Writes all of the bytes behind those that were appended before.
  public mutating func append(_ bytes: [UInt8]) throws(PluginError) {
    try unsafe append(bytes.span.bytes)
  }

  /// Sets the file's size; what is new is a hole.
  public func resize(to byteCount: UInt64) throws(PluginError) {
    let result = clinux_ftruncate(descriptor, Int64(clamping: byteCount))
    if result < 0 { throw failure("resizing", -result) }
  }

  /// Brings all that was written to stable storage.
  public func synchronize() throws(PluginError) {
    let result = clinux_fsync(descriptor)
    if result < 0 { throw failure("completing", -result) }
  }

  /// Brings all that was appended to stable storage, unless it went into a pipe.
  ///
  /// - Returns: What ``ArchiveWriter/finish()`` has to, of an archive that is this file.
  public func finish() throws(PluginError) -> Finished {
    if try status().kind == .regular { try synchronize() }
    return Finished(archiveBytes: place)
  }

  private func put(
    _ bytes: RawSpan, _ doing: String,
    _ write: (_ start: UnsafeRawPointer, _ count: Int, _ done: Int) -> Int
  ) throws(PluginError) {
    var done = 0
    while done < bytes.byteCount {
      let result = unsafe bytes.withUnsafeBytes { buffer in
        unsafe write(buffer.baseAddress! + done, buffer.count - done, done)
      }
      guard result > 0 else { throw failure(doing, result < 0 ? Int32(-result) : EIO) }
      done += result
    }
  }

  private func failure(_ doing: String, _ errno: Int32) -> PluginError {
    PluginError("\(doing) \(name)", errno: errno)
  }
}

// Reading

extension ArchiveFile {
  /// Bytes of the file.
  public func size() throws(PluginError) -> UInt64 { UInt64(try status().size) }

  /// Reads bytes at a place.
  ///
  /// - Throws: E_CORRUPT if the file ends before all of them; no memory is taken for these.
  public func read(_ count: Int, at offset: UInt64) throws(PluginError) -> [UInt8] {
    let status = try status()
    if status.kind == .regular {
      let (end, isTooFar) = offset.addingReportingOverflow(UInt64(count))
      guard !isTooFar, end <= UInt64(status.size) else { throw endsEarly }
    }
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    var raw = unsafe span.mutableBytes
    try fill(&raw, at: offset)
    return bytes
  }

  /// Fills memory with the bytes at a place: what ``ReadSink/data(_:_:)`` hands out.
  ///
  /// - Throws: E_CORRUPT if the file ends before all of them.
  public func fill(_ memory: inout MutableRawSpan, at offset: UInt64) throws(PluginError) {
    try unsafe take(&memory) { start, count, done in
      unsafe clinux_pread(descriptor, start, count, Int64(clamping: offset + UInt64(done)))
    }
  }

  /// Reads the bytes behind those that were read so before.
  ///
  /// - Throws: E_CORRUPT if the file ends before all of them.
  public func readNext(_ count: Int) throws(PluginError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    var raw = unsafe span.mutableBytes
    try fillNext(&raw)
    return bytes
  }

  /// Fills memory with the bytes behind those that were read so before.
  ///
  /// - Throws: E_CORRUPT if the file ends before all of them.
  public func fillNext(_ memory: inout MutableRawSpan) throws(PluginError) {
    try unsafe take(&memory) { start, count, _ in unsafe clinux_read(descriptor, start, count) }
  }

  private func take(
    _ memory: inout MutableRawSpan,
    _ read: (_ start: UnsafeMutableRawPointer, _ count: Int, _ done: Int) -> Int
  ) throws(PluginError) {
    var done = 0
    while done < memory.byteCount {
      let result = unsafe memory.withUnsafeMutableBytes { buffer in
        unsafe read(buffer.baseAddress! + done, buffer.count - done, done)
      }
      guard result >= 0 else { throw failure("reading", Int32(-result)) }
      guard result > 0 else { throw endsEarly }
      done += result
    }
  }

  private var endsEarly: PluginError { PluginError(.corrupt, "\(name) ends early") }

  private func status() throws(PluginError) -> FileStatus {
    do throws(SystemCallError) {
      return try FileStatus(descriptor: descriptor, subject: name)
    } catch {
      throw failure("looking at", error.code)
    }
  }
}
