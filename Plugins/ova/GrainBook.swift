import ArchiveBytes
import ArchiveFiles
import DiskFormats
import WriterKit

/// Where the records of a disk are: tables of a VMDK; a qcow2 image has said it before.
struct GrainBook {
  private(set) var encoder: VMDKEncoder?

  init(_ encoder: VMDKEncoder? = nil) { self.encoder = encoder }

  /// Notes the records of a batch, and adds the tables that belong between them to its block.
  ///
  /// - Returns: Bytes of both.
  mutating func note(_ batch: GrainBatch) throws(PluginError) -> Int {
    var bytes = 0
    for grain in batch.grains where !grain.record.isEmpty {
      bytes += grain.record.count
      if let table = encoder?.beforeGrain(grain.number), !table.isEmpty {
        batch.addTable(table)
        bytes += table.count
      }
      batch.block.add(grain.record, isMember: true)
      try plugin { () throws(ArchiveError) in
        try encoder?.add(grain: grain.number, recordBytes: grain.record.count)
      }
    }
    return bytes
  }

  /// What the member begins with.
  mutating func start() -> [UInt8] { encoder?.start() ?? [] }

  /// What the member ends with.
  mutating func finish() -> [UInt8] { encoder?.finish() ?? [] }
}
