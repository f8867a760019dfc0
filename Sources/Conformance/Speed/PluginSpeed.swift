package import BackupProtocol
package import PluginHost
package import Sandbox
package import System

/// How fast a plugin writes its formats, beside one that does nothing.
package struct PluginSpeed: Sendable {
  package let plugin: InstalledPlugin
  private let launcher: String
  private let sandbox: SandboxMode?
  private let directory: String
  private let byteCount: UInt64
  private let rounds: Int
  private let ways: [SpeedWay]
  private let patience = Patience(usual: 600, conversation: 36000)

  /// - Parameters:
  ///   - sandbox: `nil` runs the plugins without one.
  ///   - directory: Where archives go meanwhile.
  ///   - byteCount: Of the disk of each run; a multiple of 1 MiB.
  ///   - rounds: Of which the median counts; at least 1.
  package init(
    _ plugin: InstalledPlugin, launcher: String, sandbox: SandboxMode?, directory: String,
    byteCount: UInt64, rounds: Int, ways: [SpeedWay]
  ) {
    (self.plugin, self.launcher, self.sandbox) = (plugin, launcher, sandbox)
    (self.directory, self.byteCount) = (directory, byteCount)
    (self.rounds, self.ways) = (rounds, ways)
  }

  /// The formats that can be measured: those that it writes.
  package var formats: [ManifestFormat] {
    plugin.manifest.formats.filter { $0.modes.contains(.write) && !$0.outputs.isEmpty }
  }

  /// Measures a format in each way, the plugin and the null writer in turn.
  ///
  /// - Parameters:
  ///   - stop: Ends it within a moment.
  ///   - tell: Hears of each way.
  /// - Throws: ``SpeedError``; what was started is gone.
  package func run(
    _ format: ManifestFormat, stop: StopSignal? = nil, _ tell: (SpeedRow) -> Void
  ) throws(SpeedError) {
    patience.watch(stop)
    if sandbox == nil { Orphans.adopt() }
    defer { if sandbox == nil { Orphans.end() } }
    let bench = bench(plugin, format).suited()
    let ceiling = try nullBench()
    for way in ways { tell(try measure(way, bench, ceiling)) }
  }

  private func measure(
    _ way: SpeedWay, _ bench: CaseBench, _ ceiling: CaseBench
  ) throws(SpeedError) -> SpeedRow {
    var samples: (plugin: [SpeedSample], ceiling: [SpeedSample]) = ([], [])
    var row = SpeedRow(format: bench.format.name, output: bench.output, way: way)
    for _ in 0..<rounds {
      do { samples.plugin.append(try bench.speed(way, byteCount: byteCount)) } catch {
        guard let skip = error as? NotApplicable else { throw SpeedError(error, isCeiling: false) }
        row.outcome = .skipped(skip.reason)
        return row
      }
      do { samples.ceiling.append(try ceiling.speed(way, byteCount: byteCount)) } catch {
        throw SpeedError(error, isCeiling: true)
      }
    }
    row.outcome = .measured(
      SpeedFigures(samples.plugin, byteCount: byteCount),
      ceiling: SpeedFigures(samples.ceiling, byteCount: byteCount))
    return row
  }

  private func bench(_ plugin: InstalledPlugin, _ format: ManifestFormat) -> CaseBench {
    let identity = sandbox == nil ? .callers : PluginUser(launcher: launcher).identity()
    return CaseBench(
      plugin: plugin, format: format, output: format.outputs[0], launcher: launcher,
      sandbox: sandbox, identity: identity, directory: directory, patience: patience)
  }

  private func nullBench() throws(SpeedError) -> CaseBench {
    do throws(ManifestError) {
      let null = try NullWriter.plugin(launcher: launcher)
      return bench(null, null.manifest.formats[0])
    } catch { throw .ceiling("\(error)") }
  }
}

/// What is known of one way.
package struct SpeedRow: Sendable {
  package enum Outcome: Sendable, Equatable {
    case measured(SpeedFigures, ceiling: SpeedFigures)
    /// Why it does not apply.
    case skipped(String)
  }

  package let format: String
  package let output: Job.OutputKind
  package let way: SpeedWay
  package fileprivate(set) var outcome = Outcome.skipped("")
}

/// Why nothing was measured.
package enum SpeedError: Error, Equatable, Sendable {
  /// The plugin broke a rule of protocol.md: which, and how.
  case fault(clause: String?, String)
  /// It gave up, and says why.
  case refused(ErrorCode, String)
  /// The plugin, or its place, cannot be had.
  case unavailable(String)
  /// The null writer cannot be run.
  case ceiling(String)
  case interrupted

  fileprivate init(_ error: any Error, isCeiling: Bool) {
    if error as? BenchError == .interrupted {
      self = .interrupted
    } else if isCeiling {
      self = .ceiling(Self.words(error))
    } else if let fault = error as? Fault {
      self = .fault(clause: fault.clause, fault.message)
    } else if let refusal = error as? Refusal {
      self = .refused(refusal.error.code, sanitised(refusal.error.message.utf8))
    } else {
      self = .unavailable(Self.words(error))
    }
  }

  private static func words(_ error: any Error) -> String {
    switch error {
    case let fault as Fault: fault.message
    case let refusal as Refusal: sanitised(refusal.error.message.utf8)
    case let skip as NotApplicable: skip.reason
    default: "\(error)"
    }
  }
}
