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
/// For each of these QEMU takes a disk off its I/O thread and puts it back. Some versions abort if
/// an export of the disk has a client then, and the guest dies with them. Each entry was tested 9
/// to 82 times; what was not tested counts as unsafe. For disks on QEMU's main loop every way is
/// safe in every version.
package struct WaySafety: Equatable, Sendable {
  /// Which QEMU a way is safe with.
  enum Safe: Sendable {
    case always, never
    /// With one that knows a command, which came with a version.
    ///
    /// A command and not a version: distributions carry changes from one version to another.
    case knowing(command: String, version: String)
  }

  /// What is known of one way for a disk on an I/O thread.
  package struct Row: Sendable {
    package let way: DataWay
    let safe: Safe
    /// What may happen with other versions, for people.
    package let harm: String

    /// For people.
    package var remedy: String {
      switch safe {
      case .always: "every QEMU is safe"
      case .never: "no QEMU is known to be safe"
      case .knowing(_, let version): "QEMU \(version) and later are safe"
      }
    }
  }

  package static let onIOThread = [
    // 7.2.22 aborts, 9 of 9; 8.2.2 and 10.0.2 stood 36 stops and 9 resets each.
    Row(
      way: .vhostUser, safe: .knowing(command: "block-job-change", version: "8.2"),
      harm: "QEMU may abort when the guest is paused or reset"),
    // 7.2.22 aborts when a client leaves, 8.2.2 and 10.0.2 when the guest is stopped or goes on
    // while a client waits for an answer (nbd/server.c, blk_aio_attached).
    Row(
      way: .nbd, safe: .never,
      harm: "QEMU may abort when the guest is paused or resumed, or when the backup ends"),
    // 7.2.22 stood 79 stops into a file and 82 into an NBD server.
    Row(way: .spool, safe: .always, harm: ""),
  ]

  /// Ways that are safe on an I/O thread.
  private let safe: Set<DataWay>

  package init(schema: QMPSchema) {
    let rows = Self.onIOThread.filter { row in
      switch row.safe {
      case .always: true
      case .never: false
      case .knowing(let command, _): schema.hasCommand(command)
      }
    }
    safe = Set(rows.map(\.way))
  }

  package func isSafe(_ way: DataWay, hasIOThread: Bool) -> Bool {
    !hasIOThread || safe.contains(way)
  }

  /// What is known of a way; every way has its row.
  package static func row(_ way: DataWay) -> Row? { onIOThread.first { $0.way == way } }
}
