internal import QEMUControl
internal import System

extension JobError {
  init(_ error: QMPError, doing: String) {
    let status: CommandStatus =
      switch error {
      case .cannotConnect, .occupied, .notQMP: .unavailable
      case .disconnected, .notInTime, .refused, .busy: .inputOutput
      case .protocolBroken: .protocol
      case .system: .system
      }
    self.init(status, doing: doing, "\(error)")
  }

  init(_ error: ControlError, doing: String) {
    switch error {
    case .qmp(let error): self.init(error, doing: doing)
    case .agent(let error): self.init(.unavailable, doing: doing, "\(error)")
    case .unexpected: self.init(.protocol, doing: doing, "\(error)")
    case .busy, .anotherBackup, .unknownJobs, .nbdServerInUse:
      self.init(.unavailable, doing: doing, "\(error)")
    case .fleecingSpace, .copyFailed, .ended: self.init(.inputOutput, doing: doing, "\(error)")
    case .system(let error): self.init(error, doing: doing)
    }
  }
}

/// Runs several QEMU commands; their errors say what was being done.
func controlling<Value: Sendable>(
  _ what: String, _ body: () async throws(ControlError) -> Value
) async throws(JobError) -> Value {
  do throws(ControlError) { return try await body() } catch {
    throw JobError(error, doing: what)
  }
}
