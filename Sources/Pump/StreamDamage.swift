/// What of a stream could not be read out of an archive, in order.
package struct StreamDamage: Sendable {
  /// Bytes that are zeros instead of what they were.
  package struct Piece: Equatable, Sendable {
    package var offset: UInt64
    package var length: UInt64
    /// For people; of the first damage in it.
    package let reason: String
  }

  /// A plugin may tell of a piece for every cluster: those beyond become one with the last.
  static let piecesMax = 1024

  package private(set) var pieces: [Piece] = []
  /// Why something is wrong that is in none of the pieces, as far as is known.
  package private(set) var somewhere: String?

  package var isEmpty: Bool { pieces.isEmpty && somewhere == nil }

  package init() {}

  /// All bytes came, and are not all right.
  mutating func addSomewhere(_ reason: String) { somewhere = reason }

  mutating func add(offset: UInt64, length: UInt64, _ reason: String) {
    guard let last = pieces.last else {
      return pieces.append(Piece(offset: offset, length: length, reason: reason))
    }
    let isNext = last.offset + last.length == offset && last.reason == reason
    if isNext || pieces.count == Self.piecesMax {
      pieces[pieces.count - 1].length = offset + length - last.offset
    } else {
      pieces.append(Piece(offset: offset, length: length, reason: reason))
    }
  }
}
