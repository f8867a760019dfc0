/// How the data of a running machine's disk is read from its QEMU.
package enum DataWay: String, Sendable, CaseIterable {
  /// A fleecing image is exported by vhost-user-blk.
  case vhostUser = "vhost-user"
  /// The same by NBD, for data or only to ask where there is data.
  case nbd
  /// QEMU copies the disk into a file of the host, which is read afterwards.
  case spool
}

/// Which ways are safe for a guest that is paused, resumed, reset or rebooted during the backup.
///
/// For each of these QEMU takes a disk off its I/O thread and puts it back. Versions abort or crash
/// if an export of the disk has a client then, and the guest dies with them. Each row was tested
/// with QEMU 7.2, 8.2 and 10.0; a version that proves safe later is told by a command that came
/// with it, for distributions carry changes from one version to another. For disks on QEMU's main
/// loop every way is safe in every version.
package enum WaySafety {
  /// What is known of one way for a disk on an I/O thread.
  package struct Row: Sendable {
    package let way: DataWay
    package let isSafe: Bool
    /// What may happen otherwise, for people.
    package let harm: String
  }

  package static let onIOThread = [
    // 7.2.22 aborts, 9 of 9. 10.0.2 survived some 300 stops, and crashed in the next backup:
    // set_watch() of util/vhost-user-server.c uses server->ctx, which a drained section on the main
    // loop sets to NULL while the I/O thread sets the connection up (8.2 and later).
    Row(
      way: .vhostUser, isSafe: false, harm: "QEMU may crash when the guest is paused or reset"),
    // 7.2.22 aborts when a client leaves, 8.2.2 and 10.0.2 when the guest is stopped or goes on
    // while a client waits for an answer (nbd/server.c, blk_aio_attached).
    Row(
      way: .nbd, isSafe: false,
      harm: "QEMU may abort when the guest is paused or resumed, or when the backup ends"),
    // 7.2.22 stood 79 stops into a file and 82 into an NBD server, and hundreds in our own tests.
    Row(way: .spool, isSafe: true, harm: ""),
  ]

  package static func isSafe(_ way: DataWay, hasIOThread: Bool) -> Bool {
    !hasIOThread || row(way)?.isSafe ?? false
  }

  /// What is known of a way; every way has its row.
  package static func row(_ way: DataWay) -> Row? { onIOThread.first { $0.way == way } }
}
