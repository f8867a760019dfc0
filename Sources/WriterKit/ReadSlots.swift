internal import BackupProtocol
internal import SharedPool

/// The slots of a reader: all its own until it lends them to the host, which gives them back by
/// RELEASE. In inline mode the same count limits what is under way.
@safe final class ReadSlots {
  private let channel: Channel
  private let pool: PoolMapping?
  /// Where inline bytes are put together.
  private let scratch: UnsafeMutableRawBufferPointer
  let pieceBytesMax: Int
  /// READs that may wait while another is answered.
  private static let readsMax = 64
  private var free: [Int]
  private var lent: [(sequence: UInt32, slot: Int)] = []
  /// Which frames may come now.
  var states = ReaderStateMachine()
  /// READs that came while another was answered.
  private(set) var waiting: [(header: FrameHeader, frame: ReadFrame)] = []

  init(_ context: Context) {
    channel = context.channel
    pool = context.pool
    let cluster = Int(Cluster.bytes)
    let window = Int(context.hello.windowBytes)
    var slotCount = min(context.host.slotCount, Int(context.hello.inflightMax))
    if pool == nil {
      // Inline: whole clusters, at least two pieces in the window.
      let most = min(context.host.slotBytes, Int(Limits.inlineBytesMax), window / 2)
      pieceBytesMax = most / cluster * cluster
      slotCount = min(slotCount, window / pieceBytesMax)
    } else {
      pieceBytesMax = context.host.slotBytes
    }
    unsafe scratch = .allocate(byteCount: pool == nil ? pieceBytesMax : 0, alignment: 4096)
    free = Array((0..<slotCount).reversed())
    lent.reserveCapacity(slotCount)
  }

  deinit { unsafe scratch.deallocate() }

  /// A slot of our own; waits for a RELEASE if there is none.
  func take() throws(Ending) -> Int {
    while true {
      if let slot = free.popLast() { return slot }
      try handle(try channel.next())
    }
  }

  /// Gives back a slot that was not lent after all.
  func putBack(_ slot: Int) { free.append(slot) }

  func unsafeMemory(_ slot: Int, count: Int) -> UnsafeMutableRawBufferPointer {
    unsafe pool?.unsafeBytes(slot: slot, count: count)
      ?? UnsafeMutableRawBufferPointer(rebasing: scratch[0..<count])
  }

  func place(_ slot: Int) -> DataFrame.Place { pool == nil ? .inline : .slot(UInt32(slot)) }

  /// Lends a slot to the host.
  func send(
    _ frame: DataFrame, stream: UInt32, masks: Span<BlockMask>, slot: Int
  ) throws(Ending) {
    lent.append((channel.sequence, slot))
    channel.append { $0.append(frame, stream: stream, masks: masks) }
    guard pool == nil else { return try channel.flush() }
    try unsafe channel.flush(
      inline: UnsafeRawBufferPointer(unsafeMemory(slot, count: Int(frame.length))))
  }

  func append(_ frame: DamagedFrame, stream: UInt32) {
    channel.append { $0.append(frame, stream: stream) }
  }

  func append(_ frame: ZeroFrame, stream: UInt32) {
    channel.append { $0.append(frame, stream: stream) }
  }

  /// Admits a frame, and takes it if it may come while a READ is answered: RELEASE, or another
  /// READ. FINISH is the session's.
  func handle(_ header: FrameHeader) throws(Ending) {
    try wire { () throws(WireError) in try states.receive(header.type) }
    switch header.type {
    case .release:
      try wire { () throws(WireError) in
        try channel.withPayload { payload throws(WireError) in try release(payload) }
      }
    case .read:
      guard waiting.count < Self.readsMax else {
        throw .failed(PluginError(.limit, "the host has too many READs under way"))
      }
      let frame = try wire { () throws(WireError) in
        try channel.withPayload { payload throws(WireError) in try ReadFrame(parsing: payload) }
      }
      waiting.append((header, frame))
    default: break
    }
  }

  /// The oldest READ that waits.
  func nextRead() -> (header: FrameHeader, frame: ReadFrame)? {
    waiting.isEmpty ? nil : waiting.removeFirst()
  }

  private func release(_ payload: RawSpan) throws(WireError) {
    try ReleaseFrame.parse(payload) { sequence throws(WireError) in
      guard let place = lent.firstIndex(where: { $0.sequence == sequence }) else {
        throw .field(.release, field: "seq", value: UInt64(sequence))
      }
      free.append(lent.remove(at: place).slot)
    }
  }
}
