/// How the data goes to a plugin.
package enum SpeedWay: String, Sendable, CaseIterable {
  case smallSlots = "slots-64k"
  case largeSlots = "slots-1m"
  case inline

  /// For people.
  package var words: String {
    switch self {
    case .smallSlots: "64 KiB slots"
    case .largeSlots: "1 MiB slots"
    case .inline: "inline"
    }
  }

  /// Of one DATA.
  package var pieceBytes: Int { self == .smallSlots ? 64 << 10 : 1 << 20 }

  /// Whether the bytes are in the pool.
  var usesPool: Bool { self != .inline }
}
