/// What proves that the bytes of an archive are those that were backed up.
package enum Proof: Equatable, Sendable {
  /// The host's own digests, which it computed when the archive was made.
  case receipt
  /// Digests inside of the archive: reported by this plugin and not checked by the host.
  case format(plugin: String)
  case none

  /// For tools.
  package var word: String {
    switch self {
    case .receipt: "receipt"
    case .format: "format"
    case .none: "none"
    }
  }
}
