package import BackupProtocol
internal import Glibc

/// Follows the bytes of one direction of a session, and tells who listens what frames they are.
package struct FrameTap: ~Copyable {
  private let ears: SessionEars
  private let direction: RecordingLine.Direction
  private var reader = FrameReader()
  /// What follows cannot be understood any more.
  private var isLost = false

  package init(_ ears: SessionEars, _ direction: RecordingLine.Direction) {
    self.ears = ears
    self.direction = direction
  }

  /// Takes bytes as they pass, however they are cut.
  package mutating func pass(_ bytes: UnsafeRawBufferPointer) {
    var done = 0
    while done < bytes.count && !isLost {
      tell()
      done += unsafe reader.fill { room in
        let count = min(room.count, bytes.count - done)
        unsafe room.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[done..<(done + count)]))
        return count
      }
      tell()
    }
  }

  /// Tells of every frame that is whole.
  private mutating func tell() {
    do throws(WireError) {
      while let header = try reader.next() {
        reader.withPayload { ears.hear(direction, header, $0) }
      }
    } catch {
      isLost = true
      reader.withRest { ears.lose(direction, error, $0) }
    }
  }
}
