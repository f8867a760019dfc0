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

  /// Vectors whose error is found before the rule that they cover is: by what, and why.
  private static let foundBefore = [
    "job-size-unknown-disk": "16-1",  // the member may be null, but not of a disk
    "finished-artefact-size": "4.4-1",
    "json-integer-fraction": "4.2-5", "json-string-for-integer": "4.2-5",  // of a limit
    "job-salvage-word": "4.3-6",  // a member with a rule of its own
    "error-no-json": "1.3",  // an empty text is no object
    "extents-length-odd": "4.14-1",  // the next extent begins there
  ]

  @Test(arguments: Vector.all.filter { $0.expectation.hasPrefix("E_") })
  func `what a vector breaks is cited as the rule it covers`(_ vector: Vector) throws {
    let rule = try #require(Exercise(vector.bytes, firstSequence: vector.firstSequence).error).rule
    let covered = Self.foundBefore[vector.name] ?? vector.keys["covers"] ?? ""
    // Of JSON the reason is not told apart: the section is cited.
    #expect(covered == rule.clause || covered.hasPrefix(rule.clause + "-"), "\(rule.clause)")
  }

  @Test(arguments: Vector.all.filter { $0.expectation == "ok" && $0.frameCount != 0 })
  func `a vector is encoded to the same bytes unless it says no`(_ vector: Vector) {
    let result = Exercise(vector.bytes, firstSequence: vector.firstSequence)
    #expect(result.frames.allSatisfy { $0.isCanonical } == vector.isCanonical)
  }

  @Test(arguments: Vector.all, [1, 4096])
  func `a cut anywhere changes nothing, wherever inline bytes are put`(
    _ vector: Vector, alignment: Int
  ) {
    let whole = Exercise(vector.bytes, firstSequence: vector.firstSequence)
    for cut in Self.cuts(of: vector.bytes.count) {
      let cutInTwo = Exercise(
        vector.bytes, cuts: [cut], firstSequence: vector.firstSequence,
        frameBytesMax: Self.bufferBytes(vector), inlineAlignment: alignment)
      guard whole.agrees(with: cutInTwo), cutInTwo.frames.allSatisfy({ $0.isAligned }) else {
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
