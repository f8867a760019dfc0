internal import BackupProtocol
internal import Conformance
internal import JSON

/// The table of `plugin bench`.
enum SpeedTable {
  private static let widths = [12, 9, 11, 13, 11]

  static let head = columns(
    ["", "GiB/s", "CPU-s/GiB", "null: GiB/s", "CPU-s/GiB"], last: "limited by")

  static func line(_ row: SpeedRow) -> String {
    switch row.outcome {
    case .skipped(let reason): "\(padded(row.way.words, to: widths[0]))  not measured: \(reason)"
    case .measured(let plugin, let null):
      columns(
        [
          row.way.words, gib(plugin.bytesPerSecond), fixed(plugin.cpuSecondsPerGiB, places: 4),
          gib(null.bytesPerSecond), fixed(null.cpuSecondsPerGiB, places: 4),
        ], last: plugin.limit.words)
    }
  }

  private static func gib(_ bytes: Double) -> String {
    fixed(bytes / Double(1 << 30), places: 2)
  }

  /// The first column begins at the left, the others end at the right.
  private static func columns(_ cells: [String], last: String) -> String {
    let aligned = zip(cells, widths).enumerated().map { place, cell in
      let blanks = String(repeating: " ", count: max(0, cell.1 - cell.0.count))
      return place == 0 ? cell.0 + blanks : blanks + cell.0
    }
    return aligned.joined(separator: " ") + "  " + last
  }

  private static func padded(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  /// `0.0312`, with so many digits behind the point.
  static func fixed(_ value: Double, places: Int) -> String {
    var factor = 1.0
    for _ in 0..<places { factor *= 10 }
    let digits = String(Int((max(0, value) * factor).rounded()))
    let filled = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    return filled.dropLast(places) + "." + filled.suffix(places)
  }
}

extension SpeedRow {
  /// The event of one row.
  func json(byteCount: UInt64, rounds: Int) -> JSONValue {
    var object: JSONObject = [
      "schema": 1, "event": "speed", "format": .string(format),
      "output": .string(output.rawValue), "way": .string(way.rawValue),
      "bytes": JSONValue(byteCount), "rounds": JSONValue(rounds),
    ]
    switch outcome {
    case .skipped(let reason): object["skipped"] = .string(reason)
    case .measured(let plugin, let null):
      object["plugin"] = .object(plugin.json)
      object["null"] = .object(null.json)
      object["limit"] = .string(plugin.limit.rawValue)
    }
    return .object(object)
  }
}

extension SpeedFigures {
  fileprivate var json: JSONObject {
    [
      "bytes_per_second": JSONValue(Int(bytesPerSecond)),
      "cpu_seconds_per_gib": .real((cpuSecondsPerGiB * 1e6).rounded() / 1e6),
    ]
  }
}
