internal import Glibc

/// Random moments with a seed: the same ones again.
package struct Moments {
  /// What `SLUICE_SEED` says, or another one each time; a failure names it.
  package static let seed = UInt64(number("SLUICE_SEED") ?? Int.random(in: 1...1_000_000))

  /// A number in the environment, where soak runs say how often.
  package static func number(_ name: String) -> Int? {
    getenv(name).flatMap { Int(String(cString: $0)) }
  }

  private var state: UInt64

  package init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  /// Seconds in 0..<`most`.
  package mutating func next(below most: Double) -> Double {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double(state >> 40) / Double(1 << 24) * most
  }
}
