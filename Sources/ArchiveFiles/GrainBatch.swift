import System
import WriterKit

/// Grains on their way through a thread, from the host's memory into records.
///
/// The writer's thread fills it, one of the threads encodes it, the writer's thread takes it back
/// when ``awaitEncoded()`` returns: nobody touches what is the other's, hence
/// `@unchecked Sendable`. The leases are always the writer's.
@safe package final class GrainBatch: @unchecked Sendable {
  /// Of what stands between the records.
  private static let tableBytesMax = 4096

  @safe package struct Grain {
    /// 65536 bytes, as they lie in the host's memory.
    package let bytes: UnsafeRawPointer
    package let number: UInt64
    /// Where its record is in the block, once it is encoded; empty if it has none.
    package fileprivate(set) var record = 0..<0
    /// Whether it is written as it is.
    package fileprivate(set) var isAsItIs = false
  }

  /// Records, and behind them what stands between them.
  package let block: MemberBlock
  package private(set) var grains: [Grain] = []
  /// Of the frames whose bytes are in it.
  var shelf: LeaseShelf
  /// The number of the first of them; `nil` if there is none.
  var oldestFrame: UInt64?
  private let grainsMost: Int
  private let recordBytesMax: Int
  private let outputBytes: Int
  private var tableBytes = 0
  private let isEncoded = Gate()

  /// - Parameter grainsMost: How many it holds.
  init(grainsMost: Int, recordBytesMax: Int) {
    self.grainsMost = grainsMost
    self.recordBytesMax = recordBytesMax
    outputBytes = grainsMost * recordBytesMax
    block = MemberBlock(
      byteCount: outputBytes + grainsMost * Self.tableBytesMax, pieces: 2 * grainsMost + 1)
    shelf = LeaseShelf(most: grainsMost)
    grains.reserveCapacity(grainsMost)
  }

  var isFull: Bool { grains.count == grainsMost }

  func add(_ bytes: UnsafeRawPointer, number: UInt64) {
    unsafe grains.append(Grain(bytes: bytes, number: number))
  }

  /// Encodes all grains, on a thread that owns `encoder`.
  func encode(with encoder: any GrainEncoder) {
    var end = 0
    for place in grains.indices {
      let bytes = unsafe UnsafeRawBufferPointer(
        start: grains[place].bytes, count: Int(Cluster.bytes))
      let room = unsafe UnsafeMutableRawBufferPointer(
        rebasing: block.memory[end..<(end + recordBytesMax)])
      switch unsafe encoder.encode(bytes, number: grains[place].number, into: room) {
      case .none: continue
      case .asItIs: grains[place].isAsItIs = true
      case .bytes(let count):
        grains[place].record = end..<(end + count)
        end += count
      }
    }
    isEncoded.open()
  }

  func awaitEncoded() { isEncoded.pass() }

  /// Adds what stands before the next record to the block.
  package func addTable(_ bytes: [UInt8]) {
    let start = outputBytes + tableBytes
    let range = start..<(start + bytes.count)
    unsafe UnsafeMutableRawBufferPointer(rebasing: block.memory[range]).copyBytes(from: bytes)
    block.add(range, isMember: true)
    tableBytes += bytes.count
  }

  /// Empties it; the block stays until it is hashed.
  package func clear() {
    grains.removeAll(keepingCapacity: true)
    shelf.releaseAll()
    oldestFrame = nil
    tableBytes = 0
  }
}
