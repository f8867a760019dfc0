/// What one run took, from OPEN of the stream to FINISHED.
struct SpeedSample: Sendable {
  let wallSeconds: Double
  /// Of the plugin's process, with its start and its end.
  let pluginSeconds: Double
  /// Of our own thread.
  let hostSeconds: Double
  /// What our thread spent waiting for the plugin.
  let waitedSeconds: Double
}

/// What a plugin can do, the median of some runs.
package struct SpeedFigures: Equatable, Sendable {
  package let bytesPerSecond: Double
  package let cpuSecondsPerGiB: Double
  package let limit: SpeedLimit

  /// - Parameter samples: At least one, each of so many bytes.
  init(_ samples: [SpeedSample], byteCount: UInt64) {
    let wall = Self.median(samples.map(\.wallSeconds))
    bytesPerSecond = Double(byteCount) / max(wall, 1e-9)
    cpuSecondsPerGiB =
      Self.median(samples.map(\.pluginSeconds)) / (Double(byteCount) / Double(1 << 30))
    limit = SpeedLimit(samples)
  }

  static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}

/// What most of the time went to.
package enum SpeedLimit: String, Sendable {
  /// The plugin's own work.
  case plugin
  /// What the plugin waited for, which is where the archive goes.
  case disk
  /// The host's work: frames, and inline bytes.
  case host

  /// For people.
  package var words: String {
    switch self {
    case .plugin: "the plugin's CPU"
    case .disk: "the disk"
    case .host: "the host"
    }
  }

  init(_ samples: [SpeedSample]) {
    func share(_ part: (SpeedSample) -> Double) -> Double {
      SpeedFigures.median(samples.map { min(1, part($0) / max($0.wallSeconds, 1e-9)) })
    }
    let plugin = share { $0.pluginSeconds }
    let host = share { $0.hostSeconds }
    // While we wait, the plugin works or waits itself.
    let disk = share { max(0, $0.waitedSeconds - $0.pluginSeconds) }
    self = plugin >= max(host, disk) ? .plugin : disk >= host ? .disk : .host
  }
}
