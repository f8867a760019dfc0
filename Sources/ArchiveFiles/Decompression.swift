import ArchiveBytes
import WriterKit

/// A library that decompresses a stream step by step.
protocol Decoder: AnyObject {
  /// Decompresses as much as there is room and input for.
  ///
  /// - Returns: Bytes taken of `input`, bytes put into `output`, and whether a frame or member of
  ///   the stream has just ended.
  func step(
    _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
  ) throws(ArchiveError) -> (taken: Int, put: Int, isAtEnd: Bool)
}

/// A compressed archive: what a decoder makes of a stream, put straight to where it is wanted.
///
/// A stream may have any number of frames or members, and must end behind one.
@safe final class DecompressedSource: ByteSource {
  private static let inputBytes = 128 << 10

  private let stream: any ByteSource
  private let decoder: any Decoder
  private let input: UnsafeMutableRawBufferPointer
  private var inputRange = 0..<0
  private var isAtEnd = true
  private let waste: UnsafeMutableRawBufferPointer
  private(set) var position: UInt64 = 0

  init(_ stream: any ByteSource, _ decoder: any Decoder) {
    self.stream = stream
    self.decoder = decoder
    unsafe input = .allocate(byteCount: Self.inputBytes, alignment: 4096)
    unsafe waste = .allocate(byteCount: 64 << 10, alignment: 4096)
  }

  deinit {
    unsafe input.deallocate()
    unsafe waste.deallocate()
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
    var done = 0
    while done < buffer.count {
      if inputRange.isEmpty {
        let count = try unsafe stream.read(into: input)
        inputRange = 0..<count
        if count == 0 && isAtEnd { break }
      }
      let given = unsafe UnsafeRawBufferPointer(rebasing: input[inputRange])
      let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let step = try unsafe decoder.step(given, room)
      inputRange = (inputRange.lowerBound + step.taken)..<inputRange.upperBound
      done += step.put
      isAtEnd = step.isAtEnd
      // A decoder may still have bytes for us when its input is used up; if not, it wants more.
      guard step.taken > 0 || step.put > 0 || step.isAtEnd else {
        let isCut = unsafe given.isEmpty
        throw ArchiveError(
          .corrupt, "the compressed stream is \(isCut ? "cut off" : "damaged")")
      }
    }
    position += UInt64(done)
    return done
  }

  func skip(_ count: Int) throws(ArchiveError) -> Int {
    try unsafe readAway(count, through: waste)
  }
}
