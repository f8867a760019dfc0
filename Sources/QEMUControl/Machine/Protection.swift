/// How a backup can affect the guest's writes to one disk.
///
/// QEMU copies the old data to the fleecing image before the guest's write completes. If that
/// fails, the guest's write fails, and QEMU acts on it according to the device's `werror`.
package struct Protection: Equatable, Sendable {
  /// A full fleecing image pauses the guest, which is then resumed without an error.
  package let holdsWhenFull: Bool
  /// The same for errors other than "no space".
  package let holdsWhenFailing: Bool

  /// - Parameters:
  ///   - policy: `GuestBlockDevice.writeErrorPolicy`.
  ///   - breaksBackup: The job is set to abort the backup instead of the guest's write
  ///     (`MachineFeatures.onCBWErrorOfJobs`, and used).
  package init(writeErrorPolicy policy: String, breaksBackup: Bool = false) {
    holdsWhenFull = breaksBackup || ["auto", "enospc", "stop"].contains(policy)
    holdsWhenFailing = breaksBackup || policy == "stop"
  }

  /// A fleecing image that hangs blocks the guest's writes as long, whatever is set.
  package var holdsWhenHanging: Bool { false }

  /// Warnings before the job; empty if neither a full nor a failing fleecing image does harm.
  ///
  /// - Parameter image: What it is called: a fleecing image, or a spool.
  package func warnings(
    disk: String, policy: String, image: String = "fleecing image"
  ) -> [String] {
    if holdsWhenFull && holdsWhenFailing { return [] }
    let setting = Self.setting(policy)
    if holdsWhenFull {
      return [
        """
        \(disk): if the \(image) fails (other than being full), the guest gets an I/O error \
        (\(setting)); set werror=stop on the device, or use reliable storage
        """
      ]
    }
    let remedy =
      policy.isEmpty
      ? "provide space for the whole disk" : "set werror=enospc or werror=stop"
    return [
      """
      \(disk): if the \(image) is full or fails, the guest gets an I/O error \
      (\(setting)); \(remedy)
      """
    ]
  }

  private static func setting(_ policy: String) -> String {
    switch policy {
    case "": "this device has no werror"
    case "auto": "werror=auto; one that is set by -drive cannot be seen"
    default: "werror=\(policy)"
    }
  }
}
