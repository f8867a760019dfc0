public import WriterKit

/// The frames whose blocks wait in a batch.
public struct LeaseShelf: ~Copyable {
  /// Half of the largest pool.
  private static let placeCount = 128

  private var leases = InlineArray<128, Lease?> { _ in nil }
  private var count = 0
  /// Frames since the oldest that is kept, itself included: what is kept must be among the most
  /// recent ones, and frames that were given back at once count too.
  private var age = 0
  private let most: Int

  /// - Parameter most: Frames that may be kept.
  public init(most: Int) { self.most = max(1, min(most, Self.placeCount)) }

  /// Whether the batch has to leave before another frame comes.
  public var isDue: Bool { count > 0 && age >= most }

  /// Keeps the frame that came.
  public mutating func keep(_ lease: consuming Lease) {
    leases[count] = consume lease
    count += 1
    age += 1
  }

  /// Notes a frame that is not kept.
  public mutating func passOver() { if count > 0 { age += 1 } }

  /// Gives all of them back.
  public mutating func releaseAll() {
    for place in 0..<count { leases[place] = nil }
    (count, age) = (0, 0)
  }
}
