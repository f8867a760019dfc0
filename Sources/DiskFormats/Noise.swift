/// Tells grains that will not deflate from those that may, by a look at a sixteenth of them.
///
/// What is compressed or encrypted already costs a deflating library as much time as anything, and
/// gains nothing. Such bytes are all about equally frequent; those of programs, texts and tables
/// are far from that.
enum Noise {
  private static let pieces = 16
  private static let pieceBytes = 256

  /// What chi-squared is for bytes at random: 255, and with a standard deviation of 22.6 hardly
  /// ever outside. Bytes that are *more* even than chance count up, or the like.
  private static let expected = 150..<400

  /// Whether a grain looks like noise.
  ///
  /// Of every page there is a piece. Half of them are its first bytes: of a page that repeats they
  /// are the same, and look it. The others wander through the page: zeros behind the end of a file
  /// are found.
  ///
  /// - Parameter grain: 65536 bytes.
  static func fills(_ grain: UnsafeRawBufferPointer) -> Bool {
    precondition(grain.count == VMDKLayout.grainBytes, "grains are whole")
    // Most grains show it in their first bytes.
    let first = unsafe chiSquared(grain, bytesOfPiece: pieceBytes / 4)
    guard first < 2 * expected.upperBound else { return false }
    return unsafe expected.contains(chiSquared(grain, bytesOfPiece: pieceBytes))
  }

  /// How far the bytes of the pieces are from being equally frequent.
  private static func chiSquared(_ grain: UnsafeRawBufferPointer, bytesOfPiece: Int) -> Int {
    let pageBytes = VMDKLayout.grainBytes / pieces
    let each = pieces * bytesOfPiece / 256
    return unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 256) { counts in
      unsafe counts.initialize(repeating: 0)
      for piece in 0..<pieces {
        let start = piece * pageBytes + (piece.isMultiple(of: 2) ? 0 : piece * pieceBytes)
        for place in start..<(start + bytesOfPiece) { unsafe counts[Int(grain[place])] += 1 }
      }
      return unsafe counts.reduce(0) { $0 + (Int($1) - each) * (Int($1) - each) } / each
    }
  }
}
