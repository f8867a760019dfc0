/// What `sluice backup --qmp` was asked to do with a running machine.
package struct GuestRequest: Sendable {
  /// When the guest's filesystems are frozen for the point in time.
  package enum Freeze: String, Sendable, CaseIterable {
    /// A guest that cannot be frozen is not backed up.
    case require
    /// A guest that cannot be frozen is backed up all the same, with a warning.
    case `try`
    case never
  }

  /// QEMU's socket for its machine protocol.
  package var socket: String
  /// Names of the disks to back up; empty: those that are by default.
  package var disks: [String] = []
  /// Names of disks to leave out.
  package var excluded: [String] = []
  /// Where the fleecing stores grow; `nil`: beside each disk's image.
  package var fleecingDirectory: String?
  /// Bytes that are reserved for each store before the point in time; 0: none.
  package var fleecingReserve: UInt64 = 0
  /// Seconds that the guest may stand still for our sake before the backup is broken.
  package var stallLimit = 1.0
  /// The socket of the guest's agent, if there is one.
  package var agentSocket: String?
  package var freeze = Freeze.try

  package init(socket: String) { self.socket = socket }
}
