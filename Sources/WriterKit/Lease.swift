/// Bytes of a DATA frame that a writer holds on to; ends by ``release()`` or when it is dropped.
@safe public struct Lease: ~Copyable {
  private let pointer: UnsafeRawBufferPointer
  private let copy: UnsafeMutableRawBufferPointer?
  private let sequence: UInt32
  private let slot: Int
  private let releases: ReleaseQueue

  /// - Parameter bytes: In the pool, which outlives every lease, unless they are `copied`.
  @unsafe init(
    bytes: RawSpan, copied: Bool, sequence: UInt32, slot: Int, releases: ReleaseQueue
  ) {
    let original = unsafe bytes.withUnsafeBytes { unsafe $0 }
    if copied {
      let memory = UnsafeMutableRawBufferPointer.allocate(
        byteCount: bytes.byteCount, alignment: 4096)
      unsafe memory.copyMemory(from: original)
      unsafe copy = memory
      unsafe pointer = UnsafeRawBufferPointer(memory)
    } else {
      unsafe copy = nil
      unsafe pointer = original
    }
    self.sequence = sequence
    self.slot = slot
    self.releases = releases
  }

  /// The bytes, as they were in ``StreamData/bytes``.
  public var bytes: RawSpan {
    @_lifetime(borrow self)
    get {
      // Safe because: the pool stays mapped until the process ends, a copy until `deinit`.
      unsafe _overrideLifetime(RawSpan(_unsafeBytes: pointer), borrowing: self)
    }
  }

  /// Gives the bytes back to the host.
  public consuming func release() {}

  deinit {
    unsafe copy?.deallocate()
    releases.keptCount -= 1
    releases.release(sequence: sequence, slot: slot)
  }
}
