internal import JSON

/// What a journal tells of its job.
package struct JournalContents: Equatable, Sendable {
  package let mark: JobMark
  /// Path of QEMU's socket, absolute.
  package let qmp: String
  /// The coordinator.
  package let process: Int32
  /// Seconds since 1970.
  package let started: Double
  /// The guest did not stand in an I/O error when the job began.
  package var guestRan: Bool
  /// The NBD server is about to be started by us, or was.
  package var ownsNBDServer = false
  /// The guest's filesystems are about to be frozen, or are.
  package var isFrozen = false
  /// What a capture of RAM has changed in QEMU; `nil`: nothing.
  package var vmState: VMStateUndo?
  /// Socket of the guest's agent, if it is used.
  package var agent: String?

  package init(
    mark: JobMark, qmp: String, process: Int32, started: Double, guestRan: Bool,
    agent: String? = nil
  ) {
    self.mark = mark
    self.qmp = qmp
    self.process = process
    self.started = started
    self.guestRan = guestRan
    self.agent = agent
  }

  /// Reads a journal as far as it can be read: one that was cut off still names its job.
  init(mark: JobMark, parsing bytes: [UInt8]) {
    let value = try? JSONValue(parsing: bytes)
    self.init(
      mark: mark, qmp: value?["qmp"]?.string ?? "",
      process: Int32(clamping: value?["process"]?.integer ?? 0),
      started: Double(value?["started"]?.integer ?? 0),
      guestRan: value?["guest-ran"]?.bool ?? true, agent: value?["agent"]?.string)
    ownsNBDServer = value?["nbd-server"]?.bool ?? false
    isFrozen = value?["frozen"]?.bool ?? false
    vmState = VMStateUndo(parsing: value?["vmstate"])
  }

  var serialised: [UInt8] {
    var value: JSONObject = [
      "journal": 1, "job": .string(mark.id), "qmp": .string(qmp),
      "process": JSONValue(process), "started": JSONValue(Int64(started)),
      "guest-ran": .bool(guestRan), "nbd-server": .bool(ownsNBDServer), "frozen": .bool(isFrozen),
    ]
    if let vmState { value["vmstate"] = vmState.json }
    if let agent { value["agent"] = .string(agent) }
    return JSONValue.object(value).serialised(.indented)
  }

  /// What a take-down has to know of the job.
  package var knowledge: TakeDown.Knowledge {
    TakeDown.Knowledge(
      ownsNBDServer: ownsNBDServer, continuesGuest: guestRan, vmState: vmState)
  }
}
