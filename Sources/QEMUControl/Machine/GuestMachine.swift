package import JSON
internal import System

/// A running machine, as its QEMU describes it at one moment.
package struct GuestMachine: Sendable {
  /// A job of QEMU's block layer, such as a mirror, a commit or another program's backup.
  package struct BlockJob: Equatable, Sendable {
    package let id: String
    /// `backup`, `mirror`, `commit`, `stream`, …
    package let type: String
    /// `running`, `ready`, `concluded`, … (QEMU `qapi/job.json`)
    package let status: String

    package init(id: String, type: String, status: String) {
      self.id = id
      self.type = type
      self.status = status
    }
  }

  /// `-name`; empty if it has none.
  package let name: String
  /// `-uuid`; `nil` if it has none.
  package let uuid: String?
  /// QEMU's own, such as `7.2.22`; for people: features tell what it can do.
  package let version: String
  /// `running`, `paused`, `prelaunch`, `io-error`, … (QEMU `qapi/run-state.json`)
  package let runState: String
  package let features: MachineFeatures
  /// Every drive, also those that are not backed up by default; in QEMU's order.
  package let devices: [GuestBlockDevice]
  /// All jobs of the block layer, ours too, if there are any.
  package let blockJobs: [BlockJob]
  /// An NBD export is there. A server without exports does not show: `nbd-server-start` tells.
  package let nbdServerInUse: Bool
  /// Models of TPMs; their state lies outside QEMU.
  package let tpm: [String]
  /// Parts of the machine that cannot be backed up, one line for people each.
  package let warnings: [String]
  /// QEMU's command line, which ``description`` has too, or why it is unknown.
  package let commandLine: PeerCommandLine
  /// Facts to set the machine up again, for an archive.
  package let description: JSONValue

  /// Looks at a machine; changes nothing.
  ///
  /// - Parameter seconds: For all of it; a machine takes a few milliseconds for each device.
  /// - Throws: `ControlError`: QEMU does not answer, or not as its manual says.
  package static func inspect(
    _ monitor: any Monitor, seconds: Double = 30
  ) async throws(ControlError) -> GuestMachine {
    let inquiry = Inquiry(monitor: monitor, deadline: .now.advanced(bySeconds: seconds))
    let schema = QMPSchema(try await inquiry.asked("query-qmp-schema"))
    let status = try await inquiry.asked("query-status")
    guard let runState = status["status"]?.string else {
      throw .unexpected(command: "query-status", what: "no status")
    }
    let devices = try await DeviceInspector.devices(inquiry)
    let tpm = try await tpmModels(inquiry)
    let commandLine = try await PeerCommandLine.read(inquiry)
    return GuestMachine(
      name: try await inquiry.askedForMaybe("query-name")?["name"]?.string ?? "",
      uuid: try await uuid(inquiry),
      version: try await version(inquiry),
      runState: runState,
      features: MachineFeatures(schema: schema),
      devices: devices,
      blockJobs: try await jobs(inquiry),
      nbdServerInUse: try await hasNBDExport(inquiry),
      tpm: tpm,
      warnings: try await ForeignDevices.warnings(inquiry, tpm: tpm, devices: devices),
      commandLine: commandLine,
      description: try await MachineFacts.describe(inquiry, schema, commandLine))
  }

  private static func uuid(_ inquiry: Inquiry) async throws(ControlError) -> String? {
    let uuid = try await inquiry.askedForMaybe("query-uuid")?["UUID"]?.string
    return uuid == "00000000-0000-0000-0000-000000000000" ? nil : uuid
  }

  private static func version(_ inquiry: Inquiry) async throws(ControlError) -> String {
    let numbers = try await inquiry.askedForMaybe("query-version")?["qemu"]
    return ["major", "minor", "micro"]
      .map { numbers?[$0]?.integer.map(String.init) ?? "?" }.joined(separator: ".")
  }

  private static func jobs(_ inquiry: Inquiry) async throws(ControlError) -> [BlockJob] {
    (try await inquiry.asked("query-jobs").array ?? []).map { job in
      BlockJob(
        id: job["id"]?.string ?? "", type: job["type"]?.string ?? "",
        status: job["status"]?.string ?? "")
    }
  }

  private static func hasNBDExport(_ inquiry: Inquiry) async throws(ControlError) -> Bool {
    let exports = try await inquiry.askedForMaybe("query-block-exports")?.array ?? []
    return exports.contains { $0["type"] == "nbd" }
  }

  private static func tpmModels(_ inquiry: Inquiry) async throws(ControlError) -> [String] {
    (try await inquiry.askedForMaybe("query-tpm")?.array ?? []).map {
      "\($0["model"]?.string ?? "TPM") (\($0["options"]?["type"]?.string ?? "?"))"
    }
  }
}
