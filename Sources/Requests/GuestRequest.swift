/// What a backup of a running machine was asked to do with it.
package struct GuestRequest: Sendable {
  /// Whether the guest's filesystems are frozen for the point in time.
  package enum Freeze: String, Sendable, CaseIterable {
    /// A guest that cannot be frozen is not backed up.
    case require
    /// A guest that cannot be frozen is backed up anyway, with a warning.
    case `try`
    case never
  }

  /// How the machine's RAM is backed up with its disks.
  package enum VMState: String, Sendable, CaseIterable {
    /// In the background if the machine supports it, else while the guest is paused.
    case auto
    /// The guest keeps running while its RAM is copied.
    case background
    /// The guest is paused while its RAM is copied.
    case stop
  }

  /// The longest that a user may allow a guest's file systems to be frozen, in seconds.
  package static let stallLimitMax = 60.0

  /// QEMU's socket for its machine protocol.
  package var socket: String
  /// Names of the disks to back up; empty: those that are by default.
  package var disks: [String] = []
  /// Names of disks to leave out.
  package var excluded: [String] = []
  /// Directory of the fleecing images; `nil`: beside each disk's image.
  package var fleecingDirectory: String?
  /// Bytes reserved for each fleecing image before the point in time; 0: none.
  package var fleecingReserve: UInt64 = 0
  /// Seconds that the backup may pause the guest before it is aborted.
  package var stallLimit = Defaults.guestStallLimit
  /// The guest agent's socket, if there is one.
  package var agentSocket: String?
  package var freeze = Freeze.try
  /// `nil`: disks only.
  package var vmState: VMState?

  package init(socket: String) { self.socket = socket }

  /// Refuses a request that contradicts itself.
  package func validate() throws(RequestError) {
    guard stallLimit > 0 && stallLimit <= Self.stallLimitMax else { throw .guestStallLimit }
    guard freeze != .require || agentSocket != nil else { throw .freezeWithoutAgent }
    guard vmState == nil || freeze != .require else { throw .freezeWithRAM }
  }
}
