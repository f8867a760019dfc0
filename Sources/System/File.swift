internal import CLinux
internal import Glibc

/// The directory that relative paths start from.
package let currentDirectory: Int32 = AT_FDCWD

/// O_PATH, which the Glibc module hides: the file is held and can be looked at, and nothing of it
/// is opened.
package let pathOnly: Int32 = 0o10000000

/// Opens `path` relative to `directory`.
///
/// - Parameters:
///   - flags: As in open(2); `O_CLOEXEC` is always added.
///   - mode: Permission bits of a file that is created.
/// - Throws: `SystemCallError` naming the path.
package func openFile(
  _ path: String, in directory: Int32 = currentDirectory, flags: Int32, mode: UInt32 = 0
) throws(SystemCallError) -> OwnedDescriptor {
  OwnedDescriptor(
    adopting: try check(unsafe clinux_openat(directory, path, flags, mode), .open, path))
}

extension OwnedDescriptor {
  /// Reads up to `buffer.count` bytes at `offset`, fewer only at the end of the file.
  package func readAll(
    into buffer: UnsafeMutableRawBufferPointer, at offset: Int64, subject: String
  ) throws(SystemCallError) -> Int {
    var done = 0
    while done < buffer.count {
      let count = try check(
        unsafe clinux_pread(
          raw, buffer.baseAddress! + done, buffer.count - done, offset + Int64(done)),
        .pread, subject)
      if count == 0 { break }
      done += count
    }
    return done
  }

  /// Writes the whole of `buffer` at `offset`.
  package func writeAll(
    _ buffer: UnsafeRawBufferPointer, at offset: Int64, subject: String
  ) throws(SystemCallError) {
    var done = 0
    while done < buffer.count {
      done += try check(
        unsafe clinux_pwrite(
          raw, buffer.baseAddress! + done, buffer.count - done, offset + Int64(done)),
        .pwrite, subject)
    }
  }

  /// Writes a small file from its beginning.
  package func writeAll(_ bytes: [UInt8], subject: String) throws(SystemCallError) {
    var failure: SystemCallError?
    unsafe bytes.withUnsafeBytes { buffer in
      do throws(SystemCallError) {
        try unsafe writeAll(buffer, at: 0, subject: subject)
      } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// Flushes data and metadata to stable storage.
  package func sync(subject: String) throws(SystemCallError) {
    try check(clinux_fsync(raw), .fsync, subject)
  }
}

/// Reads a whole small file.
///
/// - Parameter limit: Bytes; a larger file throws `EFBIG`.
package func readSmallFile(
  _ path: String, in directory: Int32 = currentDirectory, limit: Int, flags: Int32 = 0
) throws(SystemCallError) -> [UInt8] {
  try openFile(path, in: directory, flags: O_RDONLY | flags).readToEnd(limit: limit, subject: path)
}

extension OwnedDescriptor {
  /// Reads from where the file stands to its end.
  ///
  /// - Parameters:
  ///   - limit: Bytes; a larger file throws `EFBIG`.
  ///   - patience: Seconds to wait for the next bytes of a pipe that does not block; then
  ///     `ETIMEDOUT` is thrown.
  ///   - stop: Ends such a wait with `ECANCELED`.
  package func readToEnd(
    limit: Int, subject: String, patience: Double? = nil, stop: StopSignal? = nil
  ) throws(SystemCallError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 64 << 10)
    var filled = 0
    while true {
      if let patience { try waitForBytes(seconds: patience, stop, subject: subject) }
      if filled == bytes.count { bytes.append(contentsOf: repeatElement(0, count: bytes.count)) }
      let count = try read(into: &bytes, from: filled, subject: subject)
      if count == 0 { break }
      filled += count
      if filled > limit { throw SystemCallError(.read, subject: subject, code: EFBIG) }
    }
    // A copy of the right size: a thousand small files are not to hold a thousand large buffers.
    return Array(bytes[..<filled])
  }

  private func waitForBytes(
    seconds: Double, _ stop: StopSignal?, subject: String
  ) throws(SystemCallError) {
    let deadline = MonotonicTime.now.advanced(bySeconds: seconds)
    var poller = Poller()
    poller.add(raw, .readable)
    if let stop { poller.add(stop.descriptor, .readable) }
    defer { withExtendedLifetime(stop) {} }
    // A signal that the process handles ends a wait early.
    while try poller.wait(seconds: deadline.seconds(since: .now)) == 0 {
      if MonotonicTime.now >= deadline {
        throw SystemCallError(.read, subject: subject, code: ETIMEDOUT)
      }
    }
    if let stop, stop.isRequested {
      throw SystemCallError(.read, subject: subject, code: ECANCELED)
    }
  }

  private func read(
    into bytes: inout [UInt8], from start: Int, subject: String
  ) throws(SystemCallError) -> Int {
    let result = unsafe bytes.withUnsafeMutableBytes { buffer -> Int in
      let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[start...])
      return unsafe clinux_read(raw, room.baseAddress!, room.count)
    }
    return try check(result, .read, subject)
  }
}

/// Reads up to `count` bytes of an open file, fewer only at its end.
package func readBytes(
  _ descriptor: Int32, at offset: Int64, count: Int
) throws(SystemCallError) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: count)
  let result = unsafe bytes.withUnsafeMutableBytes { buffer in
    unsafe clinux_pread(descriptor, buffer.baseAddress!, count, offset)
  }
  bytes.removeLast(count - (try check(result, .pread, "descriptor \(descriptor)")))
  return bytes
}
