/// Text that is no XML, that is more of it than is admitted, or that XML cannot hold.
package enum XMLError: Error, Equatable, Sendable {
  /// Not well-formed, or in an encoding that is not known.
  case malformed(line: Int, reason: String)
  /// A DOCTYPE, and with it every declaration of an entity, is refused wherever it comes from.
  case doctype(line: Int)
  /// More than ``XMLLimits`` admit.
  case limit(Limit, line: Int)
  /// A character that no XML can hold, such as U+0000; by its number.
  case character(UInt32)
  /// A namespace that no prefix was given for.
  case prefixMissing(namespace: String)

  package enum Limit: String, Sendable {
    case bytes, depth, elements, attributes
    case nameBytes = "bytes of a name"
  }
}

extension XMLError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .malformed(let line, let reason): "line \(line): \(reason)"
    case .doctype(let line): "line \(line): a DOCTYPE is not accepted"
    case .limit(let limit, let line): "line \(line): too many \(limit.rawValue)"
    case .character(let number): "XML cannot hold the character U+\(String(number, radix: 16))"
    case .prefixMissing(let namespace): "there is no prefix for the namespace \(namespace)"
    }
  }
}

/// How much XML is read at most: what a stranger sends costs no more memory than this.
package struct XMLLimits: Sendable {
  /// Of the whole text.
  package var bytesMax = 4 << 20
  /// Elements inside each other.
  package var depthMax = 64
  /// Of the whole text.
  package var elementsMax = 50_000
  /// Of one element.
  package var attributesMax = 64
  /// UTF-8, a namespace included.
  package var nameBytesMax = 1024

  package init() {}
}
