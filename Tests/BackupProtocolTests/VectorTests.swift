import BackupProtocol
import FrameExercise
import Testing

/// Every vector of protocol.md §21, whole and in two pieces.
@Suite struct VectorTests {
  @Test func `there are vectors and each says what it expects`() {
    #expect(Vector.all.count >= 250)
    for vector in Vector.all {
      #expect(vector.keys["direction"] != nil, "\(vector.name)")
      #expect(vector.keys["comment"] != nil, "\(vector.name)")
    }
  }

  @Test(arguments: Vector.all)
  func `a vector is decoded as it says`(_ vector: Vector) {
    let result = Exercise(vector.bytes, firstSequence: vector.firstSequence)
    switch vector.expectation {
    case "ok":
      #expect(result.error == nil)
      #expect(result.endsAtBoundary)
      #expect(result.frames.count == vector.frameCount)
    case "incomplete":
      #expect(result.error == nil)
      #expect(!result.endsAtBoundary)
      #expect(result.frames.count == vector.frameCount)
    case let code:
      let found = result.error?.code.name
      #expect(found == code, "\(String(describing: result.error))")
    }
    #expect(result.frames.allSatisfy { $0.isStable })
  }

  @Test(arguments: Vector.all.filter { $0.expectation == "ok" && $0.frameCount != 0 })
  func `a vector is encoded to the same bytes unless it says no`(_ vector: Vector) {
    let result = Exercise(vector.bytes, firstSequence: vector.firstSequence)
    #expect(result.frames.allSatisfy { $0.isCanonical } == vector.isCanonical)
  }

  @Test(arguments: Vector.all)
  func `a cut anywhere changes nothing`(_ vector: Vector) {
    let whole = Exercise(vector.bytes, firstSequence: vector.firstSequence)
    for cut in Self.cuts(of: vector.bytes.count) {
      let cutInTwo = Exercise(
        vector.bytes, cuts: [cut], firstSequence: vector.firstSequence,
        frameBytesMax: Self.bufferBytes(vector))
      guard whole.agrees(with: cutInTwo) else {
        Issue.record("\(vector.name) differs when it is cut at \(cut)")
        return
      }
    }
  }

  @Test(arguments: Vector.all.filter { $0.bytes.count <= 4096 })
  func `one byte at a time changes nothing`(_ vector: Vector) {
    let whole = Exercise(vector.bytes, firstSequence: vector.firstSequence)
    let slow = Exercise(
      vector.bytes, cuts: 0..<vector.bytes.count, firstSequence: vector.firstSequence,
      frameBytesMax: Self.bufferBytes(vector))
    #expect(whole.agrees(with: slow))
  }

  /// Every place; of the few vectors with long payloads, preamble, header, struct and both ends.
  private static func cuts(of count: Int) -> [Int] {
    guard count > 4096 else { return Array(0...count) }
    let between = stride(from: 80, to: count - 8, by: count / 8)
    return Array(0...80) + Array(between) + Array((count - 8)...count)
  }

  /// A reader of small frames is quicker to make, and must say the same of a small vector.
  private static func bufferBytes(_ vector: Vector) -> UInt32 {
    vector.bytes.count <= 4096 ? 16 << 10 : Limits.frameBytesMax
  }
}
