internal import JobSupport
internal import QEMUControl
internal import Requests
internal import System

extension JobError {
  init(_ error: QMPError, cannot action: String? = nil) {
    let status: CommandStatus =
      switch error {
      case .cannotConnect, .notQMP: .unavailable
      case .occupied: .busy
      case .disconnected, .notInTime, .refused, .busy: .inputOutput
      case .protocolBroken: .protocol
      case .system: .system
      }
    self.init(status, cannot: action, "\(error)")
  }

  init(_ error: ControlError, cannot action: String? = nil) {
    switch error {
    case .qmp(let error): self.init(error, cannot: action)
    case .agent(let error): self.init(.unavailable, cannot: action, "\(error)")
    case .unexpected: self.init(.protocol, cannot: action, "\(error)")
    case .busy, .anotherBackup: self.init(.busy, cannot: action, "\(error)")
    case .unknownJobs, .nbdServerInUse, .bitmapUnusable:
      self.init(.unavailable, cannot: action, "\(error)", hint: error.remedy)
    case .fleecingSpace, .copyFailed, .vmStateFailed, .ended:
      self.init(.inputOutput, cannot: action, "\(error)", hint: error.remedy)
    case .system(let error): self.init(error, cannot: action)
    }
  }
}

extension JobError {
  init(_ obstacle: VMStateObstacle) {
    switch obstacle {
    case .control(let error): self.init(error, cannot: "inspect the machine's RAM")
    case .migrating: self.init(.busy, "\(obstacle)", hint: "wait until it ends, or cancel it")
    case .noBackground: self.init(.unavailable, "\(obstacle)", hint: .allowUserfaultfd)
    default: self.init(.unavailable, "\(obstacle)", hint: .omitRAM)
    }
  }
}

extension ControlError {
  fileprivate var remedy: Remedy? {
    switch self {
    case .fleecingSpace: .freeFleecingSpace
    case .unknownJobs: .recoverIfIdle
    default: nil
    }
  }
}

/// Runs `body`; QEMU commands that fail become "cannot `action`: …".
func attempt<Value>(
  _ action: String, _ body: () throws(ControlError) -> Value
) throws(JobError) -> Value {
  do { return try body() } catch { throw JobError(error, cannot: action) }
}

/// The same for commands that are waited for without blocking.
func attempt<Value: Sendable>(
  _ action: String, _ body: () async throws(ControlError) -> Value
) async throws(JobError) -> Value {
  do throws(ControlError) { return try await body() } catch {
    throw JobError(error, cannot: action)
  }
}
