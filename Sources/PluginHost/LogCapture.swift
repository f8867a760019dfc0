internal import CLinux
internal import Glibc
package import System

/// What a plugin writes to its descriptors 1 and 2: untrusted text, of which the end is kept.
///
/// Control characters and escapes are taken out, so that no plugin writes to a terminal.
package struct LogCapture: ~Copyable {
  /// Bytes of text that are kept for a failure's report.
  static let keptBytesMax = 16 << 10
  /// Bytes a plugin may write in all before it is given up as flooding.
  static let totalBytesMax = 16 << 20

  private let pipe: OwnedDescriptor
  private var kept: [UInt8] = []
  private var buffer = [UInt8](repeating: 0, count: 16 << 10)
  package private(set) var totalBytes = 0
  package private(set) var isOpen = true

  /// - Parameter pipe: Read end, non-blocking.
  package init(pipe: consuming OwnedDescriptor) { self.pipe = pipe }

  package var descriptor: Int32 { pipe.raw }
  package var isFlooded: Bool { totalBytes > Self.totalBytesMax }

  /// Takes what is there, 256 KiB at most, so that a flood cannot hold up the rest.
  ///
  /// - Parameter hear: Sees it as it is, piece by piece.
  package mutating func drain(_ hear: (ArraySlice<UInt8>) -> Void = { _ in }) {
    for _ in 0..<16 where isOpen {
      let room = buffer.count
      let raw = pipe.raw
      let count = unsafe buffer.withUnsafeMutableBytes { target in
        unsafe clinux_read(raw, target.baseAddress!, room)
      }
      if count == -Int(EAGAIN) { return }
      guard count > 0 else {
        isOpen = false
        return
      }
      totalBytes += count
      keep(count)
      hear(buffer[0..<count])
    }
  }

  private mutating func keep(_ count: Int) {
    kept += buffer[0..<count]
    if kept.count > 2 * Self.keptBytesMax {
      kept.removeFirst(kept.count - Self.keptBytesMax)
    }
  }

  /// The last lines, oldest first, at most `count`.
  package func lastLines(_ count: Int = 20) -> [String] {
    sanitisedLines(kept.suffix(Self.keptBytesMax)).suffix(count)
  }
}
