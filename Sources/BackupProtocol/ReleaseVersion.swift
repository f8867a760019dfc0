/// The version of a program as manifests name it: three numbers, as Semantic Versioning has them.
public struct ReleaseVersion: Hashable, Sendable {
  private let numbers: [UInt32]

  /// - Parameter text: As `1.20.3`; anything else is `nil`, words behind the numbers too.
  public init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { part -> UInt32? in
      guard part.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
      guard part.utf8.count == 1 || part.utf8.first != 0x30 else { return nil }
      return UInt32(part)
    }
    guard parts.count == 3, numbers.count == 3 else { return nil }
    self.numbers = numbers
  }

  static func optional(_ members: ControlMembers, _ name: String) throws(WireError) -> Self? {
    guard let text = try members.optionalString(name) else { return nil }
    guard let version = Self(text) else { throw .member(.hello, name: name) }
    return version
  }
}

extension ReleaseVersion: Comparable {
  /// By their numbers, the first that differs.
  public static func < (one: Self, other: Self) -> Bool {
    one.numbers.lexicographicallyPrecedes(other.numbers)
  }
}

extension ReleaseVersion: CustomStringConvertible {
  /// As it is written.
  public var description: String { numbers.map(String.init).joined(separator: ".") }
}
