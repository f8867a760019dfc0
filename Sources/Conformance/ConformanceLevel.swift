/// What a plugin can be right in; a plugin is measured by those that it declares.
package enum ConformanceLevel: String, Sendable, CaseIterable {
  /// Starting, greeting, and writing with the bytes in the frames.
  case core
  /// The same with the bytes in the pool.
  case sharedMemory = "shared-memory"
  /// Reading and verifying whole streams.
  case read
  /// Reading ranges.
  case randomRead = "random-read"
  /// Writing and reading increments.
  case increment

  /// As people write it.
  package var title: String {
    switch self {
    case .core: "Core"
    case .sharedMemory: "Shared memory"
    case .read: "Read"
    case .randomRead: "Random read"
    case .increment: "Increment"
    }
  }
}
