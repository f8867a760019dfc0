/// The dirty bitmaps of one earlier backup, at all nodes of a machine.
package struct BackupBitmaps: Sendable {
  package struct Place: Equatable, Sendable {
    package let node: String
    package let bitmap: NodeBitmap
  }

  /// Of one of its disks.
  package let name: BitmapName
  /// By node.
  package let places: [Place]

  /// Removes them for good: no increment can continue from that backup by bitmap.
  ///
  /// - Throws: `qmp`; those of other nodes may be removed.
  package func remove(_ monitor: any Monitor, seconds: Double = 10) async throws(ControlError) {
    for place in places {
      do throws(QMPError) {
        try await BitmapRemoval.remove(
          place.bitmap.name, node: place.node, monitor, seconds: seconds)
      } catch {
        throw .qmp(error)
      }
    }
  }
}

extension BitmapInventory {
  /// Every backup that bitmaps of ours began at, also those that no longer tell anything.
  package var backups: [BackupBitmaps] {
    var places: [String: [BackupBitmaps.Place]] = [:]
    var names: [String: BitmapName] = [:]
    for (node, content) in nodes.sorted(by: { $0.key < $1.key }) {
      for (name, bitmap) in content.ours {
        names[name.job] = name
        places[name.job, default: []].append(BackupBitmaps.Place(node: node, bitmap: bitmap))
      }
    }
    return names.sorted { $0.key < $1.key }.map { job, name in
      BackupBitmaps(name: name, places: places[job] ?? [])
    }
  }

  /// Bytes of QEMU's memory that bitmaps of ours take: a bit for each 64 KiB of a disk, 2 MiB for
  /// each TiB, and a 63rd of that for the levels above (QEMU `util/hbitmap.c`).
  package var memoryBytes: Int64 {
    nodes.values.reduce(0) { sum, node in
      let bits = (node.size + NodeBitmap.ourGranularity - 1) / NodeBitmap.ourGranularity
      return sum + Int64(node.ours.count) * (bits / 8 + bits / 504 + 8)
    }
  }
}
