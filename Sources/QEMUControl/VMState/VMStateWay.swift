/// How the RAM of a running machine is captured, together with the state of its devices.
package enum VMStateWay: String, Sendable, CaseIterable {
  /// QEMU write-protects the RAM (userfaultfd) and saves each page before the guest changes it: the
  /// guest is paused only while the protection is set up.
  case background
  /// The guest is paused until all of its RAM is copied.
  case stop

  /// How long the guest is paused, for people, before the backup.
  package func pauseText(ramBytes: Int64, isGuestRunning: Bool) -> String {
    guard isGuestRunning else { return "the guest is paused already" }
    switch self {
    case .background:
      let milliseconds = 60 + 100 * ramBytes >> 30
      return "the guest is paused for about \(milliseconds) ms"
    case .stop:
      return "the guest is paused until \(ramBytes >> 20) MiB of RAM are copied"
    }
  }
}

/// Why the RAM of a machine cannot be captured, or not as it is asked for.
package enum VMStateObstacle: Error, Equatable, Sendable {
  /// This QEMU lacks commands.
  case missing([String])
  /// A machine that was started with -S and never resumed.
  case neverRan
  /// Its RAM was migrated before, by a backup of the paused machine or to another host.
  case migrated
  /// The machine is neither running nor paused; QEMU's word for what it is.
  case state(String)
  /// Parts of the machine cannot be saved; QEMU's words.
  case blocked([String])
  /// Another migration is in progress; QEMU's word for its state.
  case migrating(String)
  /// No background snapshot; for people.
  case noBackground(String)
  case control(ControlError)
}

extension VMStateObstacle: CustomStringConvertible {
  package var description: String {
    switch self {
    case .missing(let commands):
      "this QEMU lacks \(commands.joined(separator: ", ")), which a backup of RAM needs"
    case .neverRan: "the machine has not been started yet: there is no RAM to back up"
    case .migrated:
      "the RAM of the machine was migrated before (postmigrate); resume it where it is to run"
    case .state(let word): "the machine is in state \(word): its RAM cannot be backed up"
    case .blocked(let reasons):
      "QEMU cannot save the state of this machine: \(reasons.joined(separator: "; "))"
    case .migrating(let status): "a migration of this machine is in progress (\(status))"
    case .noBackground(let words): words
    case .control(let error): "\(error)"
    }
  }
}
