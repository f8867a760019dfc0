internal import CLinux

/// What a descriptor is waited for, and what happened to it.
package struct Readiness: OptionSet, Sendable {
  package let rawValue: Int16
  package init(rawValue: Int16) { self.rawValue = rawValue }
  package static let readable = Readiness(rawValue: 1)
  package static let writable = Readiness(rawValue: 4)
  package static let failed = Readiness(rawValue: 8)
  package static let hungUp = Readiness(rawValue: 16)
}

/// Waits for a few descriptors at once; keeps its table, so that waiting allocates nothing.
package struct Poller: ~Copyable {
  private var entries: [clinux_poll] = []

  package init() {}

  /// Forgets every descriptor.
  package mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

  /// Adds a descriptor and returns the place to ask for its result.
  @discardableResult
  package mutating func add(_ descriptor: Int32, _ interest: Readiness) -> Int {
    entries.append(clinux_poll(descriptor: descriptor, events: interest.rawValue, results: 0))
    return entries.count - 1
  }

  /// Waits until something is ready or the time is over.
  ///
  /// - Parameter seconds: `nil` waits for ever.
  /// - Returns: How many descriptors are ready; 0 after the time or a signal.
  package mutating func wait(seconds: Double?) throws(SystemCallError) -> Int {
    let milliseconds = seconds.map { Int32(max(0, min($0 * 1000, 1e9)).rounded(.up)) } ?? -1
    let count = entries.count
    let result = unsafe entries.withUnsafeMutableBufferPointer { table -> Int32 in
      guard let base = table.baseAddress else {
        var none = clinux_poll(descriptor: -1, events: 0, results: 0)
        return unsafe clinux_poll(&none, 1, milliseconds)
      }
      return unsafe clinux_poll(base, count, milliseconds)
    }
    return Int(try check(result, .poll, "\(count) descriptors"))
  }

  /// What happened to the descriptor added at `place`.
  package func result(_ place: Int) -> Readiness { Readiness(rawValue: entries[place].results) }
}
