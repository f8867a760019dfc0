internal import System

/// A block on its way through a compressing thread.
///
/// Passed to and fro between two threads, of which one at a time may touch it: the writer's until
/// ``submit()`` and after ``await()``, the compressing one between ``take()`` and ``finish()``. The
/// two gates say whose turn it is, and order what each of them wrote: hence `@unchecked Sendable`.
@safe final class CompressionJob: @unchecked Sendable {
  let input: UnsafeMutableRawBufferPointer
  let output: UnsafeMutableRawBufferPointer
  var inputCount = 0
  /// `nil` if it could not be compressed.
  var outputCount: Int?
  /// The thread that takes it ends.
  var isLast = false
  private let submitted = Gate()
  private let finished = Gate()

  init(_ shape: CodecShape) {
    unsafe input = .allocate(byteCount: shape.inputBytes, alignment: 4096)
    unsafe output = .allocate(byteCount: shape.outputBytes, alignment: 4096)
  }

  deinit {
    unsafe input.deallocate()
    unsafe output.deallocate()
  }

  func submit() { submitted.open() }
  func take() { submitted.pass() }
  func finish() { finished.open() }
  func await() { finished.pass() }
}
