internal import BackupProtocol
internal import Glibc

/// Follows the bytes of one direction of a session, and tells a trace what frames they are.
struct FrameTap: ~Copyable {
  private let trace: FrameTrace
  private let plugin: String
  private let arrow: String
  private var reader = FrameReader()
  /// What follows cannot be understood any more.
  private var isLost = false

  init(_ trace: FrameTrace, plugin: String, arrow: String) {
    self.trace = trace
    self.plugin = plugin
    self.arrow = arrow
  }

  /// Takes bytes as they pass, however they are cut.
  mutating func pass(_ bytes: UnsafeRawBufferPointer) {
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
        trace.write(plugin, arrow, reader.withPayload { header.words($0) })
      }
    } catch {
      isLost = true
      trace.write(plugin, arrow, "cannot be understood: \(error) (\(error.rule.citation))")
    }
  }
}
