package import BackupProtocol
internal import CLinux
internal import Glibc
package import System

/// Why a recording cannot be read.
package enum RecordingError: Error, Equatable, Sendable {
  case system(SystemCallError)
  /// The first line is another one.
  case notARecording
  /// A line, counted from 1, that no recording has.
  case malformed(line: Int)
  /// The last line has no end: the recorder was stopped in it, or its disk was full.
  case cutOff(line: Int)
}

/// Reads a recording line by line. Specified in docs/recordings.md.
package struct RecordingReader: ~Copyable {
  /// Bytes of a line at most: those of a slot in hexadecimal, and some words.
  private static let lineBytesMax = 2 * RecordedBytes.countMax + (1 << 20)

  /// What the recording says of itself, without the first line.
  package private(set) var remarks: [String] = []
  private let file: OwnedDescriptor
  private let path: String
  private var buffer: [UInt8] = []
  private var start = 0
  /// The line that was taken last, from 1.
  package var lineNumber: Int { count }
  private var count = 0

  private init(_ file: consuming OwnedDescriptor, _ path: String) {
    self.file = file
    self.path = path
  }

  /// Opens a recording.
  package static func open(_ path: String) throws(RecordingError) -> RecordingReader {
    let file: OwnedDescriptor
    do throws(SystemCallError) { file = try openFile(path, flags: O_RDONLY | O_NOCTTY) } catch {
      throw .system(error)
    }
    var reader = RecordingReader(file, path)
    try reader.readHead()
    return reader
  }

  private mutating func readHead() throws(RecordingError) {
    let head: ArraySlice<UInt8>?
    do throws(RecordingError) { head = try line(atMost: 4096) } catch {
      if case .system = error { throw error }
      throw .notARecording
    }
    guard let head, head.elementsEqual(RecordingLine.head.utf8) else { throw .notARecording }
    for _ in 0..<2 {
      guard let line = try line(atMost: 4096) else { throw .cutOff(line: count + 1) }
      remarks.append(sanitised(line))
    }
  }

  /// The next line.
  ///
  /// - Returns: `nil` at the end.
  /// - Throws: ``RecordingError``; what was read before is as it was recorded.
  package mutating func next() throws(RecordingError) -> RecordingLine? {
    guard let line = try line(atMost: Self.lineBytesMax) else { return nil }
    guard let parsed = RecordingLine(parsing: line) else { throw .malformed(line: count) }
    return parsed
  }

  private mutating func line(atMost most: Int) throws(RecordingError) -> ArraySlice<UInt8>? {
    var searched = start
    while true {
      if let end = buffer[searched...].firstIndex(of: 0x0A) {
        defer { start = end + 1 }
        count += 1
        return buffer[start..<end]
      }
      guard buffer.count - start <= most else { throw .malformed(line: count + 1) }
      buffer.removeSubrange(..<start)
      (start, searched) = (0, buffer.count)
      guard try readMore() else {
        if buffer.isEmpty { return nil }
        throw .cutOff(line: count + 1)
      }
    }
  }

  private mutating func readMore() throws(RecordingError) -> Bool {
    let room = 1 << 18
    let filled = buffer.count
    buffer += repeatElement(0, count: room)
    let raw = file.raw
    let result = unsafe buffer.withUnsafeMutableBytes {
      unsafe clinux_read(raw, $0.baseAddress! + filled, room)
    }
    buffer.removeLast(room - max(0, result))
    do throws(SystemCallError) { return try check(result, .read, path) > 0 } catch {
      throw .system(error)
    }
  }
}
