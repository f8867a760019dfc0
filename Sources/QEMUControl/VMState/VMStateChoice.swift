internal import JSON
internal import System

/// What a capture of the RAM of one machine would be: which way, and why.
package struct VMStateChoice: Sendable {
  package private(set) var way: VMStateWay
  /// Bytes of the machine's RAM.
  package let ramBytes: Int64
  /// Bytes of all memory that is saved with it.
  package let memoryBytes: Int64
  /// Whether the guest runs; one that is paused stays so.
  package let isGuestRunning: Bool
  /// Why there is no background snapshot; for people. `nil`: there is one, or nobody asked for it.
  package private(set) var reason: String?
  /// A background snapshot that ends early lets the guest run on. Not in QEMU 7.2, where it waits
  /// for ever; `blockdev-set-active` is new in 10.0, and what is between the two is not known.
  package let survivesFailure: Bool
  var cancelling: VMStateUndo.Cancelling {
    way == .stop ? .atOnce : survivesFailure ? .whenWriting : .never
  }
  /// The capture must not run out of space.
  package var needsReservedSpace: Bool { cancelling == .never }
  /// QEMU leaves a paused machine in its state `postmigrate` until it is resumed.
  package var endsPostmigrate: Bool { !isGuestRunning }

  /// Looks at a machine.
  ///
  /// To learn whether QEMU can take a background snapshot it is asked to prepare for one, which
  /// begins nothing, and the setting is put back at once.
  ///
  /// - Parameters:
  ///   - runState: `GuestMachine.runState`.
  ///   - wish: `nil`: the best way that this machine has.
  ///   - journal: Notes the setting while it is tried.
  package static func make(
    _ monitor: any Monitor, runState: String, wish: VMStateWay?, journal: Journal? = nil,
    seconds: Double = 10
  ) async throws(VMStateObstacle) -> VMStateChoice {
    let inquiry = Inquiry(monitor: monitor, deadline: .now.advanced(bySeconds: seconds))
    try require(runState)
    let schema = try await requireNoOther(inquiry)
    let ram = try await ramBytes(inquiry)
    let memory = try await asking { () async throws(ControlError) in
      try await RAMBlocks.byteCount(inquiry, ram: ram)
    }
    let isRunning = runState == "running"
    // A guest that is paused anyway loses nothing, and QEMU 7.2 would resume it after a background
    // snapshot.
    var choice = VMStateChoice(
      way: .stop, ramBytes: ram, memoryBytes: memory, isGuestRunning: isRunning,
      survivesFailure: schema.hasCommand("blockdev-set-active"))
    guard isRunning, wish != .stop else { return choice }
    let words =
      try await refusal(inquiry, journal).map { "QEMU refuses a background snapshot: \($0)" }
      ?? choice.danger(monitor)
    if let words, wish == .background { throw .noBackground(words) }
    choice.reason = words
    if words == nil { choice.way = .background }
    return choice
  }

  /// Why a background snapshot could harm the guest; for people.
  private func danger(_ monitor: any Monitor) -> String? {
    if survivesFailure || UserfaultRescue.isPossible(monitor.process) { return nil }
    return
      "a background snapshot of this QEMU that fails blocks the guest, and sluice may not trace "
      + "QEMU to free it"
  }

  /// The guest is paused instead.
  ///
  /// - Parameter reason: Why there is no background snapshot; for people.
  package func pausing(because reason: String) -> VMStateChoice {
    var choice = self
    (choice.way, choice.reason) = (.stop, reason)
    return choice
  }

  private static func require(_ runState: String) throws(VMStateObstacle) {
    switch runState {
    case "running", "paused": break
    case "prelaunch": throw .neverRan
    // Its disks may be in use where it went.
    case "postmigrate": throw .migrated
    default: throw .state(runState)
    }
  }

  private static let commands = [
    "query-migrate-capabilities", "query-migrate-parameters", "migrate-set-capabilities",
    "migrate-set-parameters", "migrate", "migrate_cancel", "query-memory-size-summary",
  ]

  /// - Returns: What this QEMU can do.
  private static func requireNoOther(
    _ inquiry: Inquiry
  ) async throws(VMStateObstacle) -> QMPSchema {
    let (schema, migration) = try await asking { () async throws(ControlError) in
      (
        QMPSchema(try await inquiry.asked("query-qmp-schema")),
        try await inquiry.asked("query-migrate")
      )
    }
    let missing = commands.filter { !schema.hasCommand($0) }
    guard missing.isEmpty else { throw .missing(missing) }
    let status = migration["status"]?.string ?? ""
    if VMStateRemoval.active.contains(status) { throw .migrating(status) }
    let reasons = (migration["blocked-reasons"]?.array ?? []).compactMap(\.string)
    if !reasons.isEmpty { throw .blocked(reasons) }
    return schema
  }

  private static func ramBytes(_ inquiry: Inquiry) async throws(VMStateObstacle) -> Int64 {
    let summary = try await asking { () async throws(ControlError) in
      try await inquiry.asked("query-memory-size-summary")
    }
    let bytes = (summary["base-memory"]?.integer ?? 0, summary["plugged-memory"]?.integer ?? 0)
    let (sum, isOver) = bytes.0.addingReportingOverflow(bytes.1)
    guard sum > 0, !isOver, sum <= 1 << 50 else {
      throw .control(.unexpected(command: "query-memory-size-summary", what: "\(sum) bytes"))
    }
    return sum
  }

  /// - Returns: Why QEMU refuses a background snapshot; `nil`: it does not.
  private static func refusal(
    _ inquiry: Inquiry, _ journal: Journal?
  ) async throws(VMStateObstacle) -> String? {
    try await asking { () async throws(ControlError) -> String? in
      let settings = try await MigrationSettings(before: .background) {
        command async throws(ControlError) in try await inquiry.asked(command)
      }
      guard let change = settings.changes.first(where: { $0.command == Self.setter }) else {
        return nil
      }
      try note(settings, journal)
      do throws(ControlError) {
        _ = try await inquiry.asked(change.command, change.arguments)
      } catch {
        guard case .qmp(.refused(_, _, let words)) = error else { throw error }
        try note(nil, journal)
        return words
      }
      for back in settings.restoration where back.command == Self.setter {
        _ = try await inquiry.asked(back.command, back.arguments)
      }
      try note(nil, journal)
      return nil
    }
  }

  private static func note(
    _ settings: MigrationSettings?, _ journal: Journal?
  ) throws(ControlError) {
    do throws(SystemCallError) {
      try journal?.update { $0.vmState = settings.map { VMStateUndo($0) } }
    } catch {
      throw .system(error)
    }
  }

  private static let setter = "migrate-set-capabilities"

  private static func asking<Value: Sendable>(
    _ body: () async throws(ControlError) -> Value
  ) async throws(VMStateObstacle) -> Value {
    do throws(ControlError) { return try await body() } catch { throw .control(error) }
  }
}
