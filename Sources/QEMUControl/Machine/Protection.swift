/// What a backup can do to the writes of one disk, told before it starts.
///
/// QEMU copies the old data into the fleecing store before the guest's write is done. Where that
/// fails, the guest's write fails, and QEMU does with it what the device's `werror` says.
package struct Protection: Equatable, Sendable {
  /// A full store pauses the guest, which then goes on without an error.
  package let holdsWhenFull: Bool
  /// A store that returns errors other than "no space" does no more than that.
  package let holdsWhenFailing: Bool

  /// - Parameters:
  ///   - policy: `GuestBlockDevice.writeErrorPolicy`.
  ///   - breaksBackup: The job is told to break the backup instead of the guest's write
  ///     (`MachineFeatures.onCBWErrorOfJobs`, and used).
  package init(writeErrorPolicy policy: String, breaksBackup: Bool = false) {
    holdsWhenFull = breaksBackup || ["auto", "enospc", "stop"].contains(policy)
    holdsWhenFailing = breaksBackup || policy == "stop"
  }

  /// A store that hangs holds the guest's writes up until it goes on, whatever is set.
  package var holdsWhenHanging: Bool { false }

  /// Lines that warn before the job; empty if a full store and a failing one do no harm.
  ///
  /// - Parameter store: What it is called: a fleecing store, or a spool.
  package func warnings(
    disk: String, policy: String, store: String = "fleecing store"
  ) -> [String] {
    if holdsWhenFull && holdsWhenFailing { return [] }
    let setting = policy.isEmpty ? "this device has no werror" : "werror=\(policy)"
    if holdsWhenFull {
      return [
        """
        \(disk): if the \(store) returns an error (other than being full), the guest sees \
        it (\(setting)); set werror=stop on the device, or use a sound store
        """
      ]
    }
    let remedy =
      policy.isEmpty
      ? "give the \(store) room for the whole disk" : "set werror=enospc or werror=stop"
    return [
      """
      \(disk): if the \(store) is full or fails, the guest sees an error \
      (\(setting)); \(remedy)
      """
    ]
  }
}
