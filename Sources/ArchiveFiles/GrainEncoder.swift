package import WriterKit

/// What becomes of a grain, which is 65536 bytes of a disk.
package enum GrainRecord: Equatable, Sendable {
  /// Nothing: it is zeros.
  case none
  /// It is written as it lies in the host's memory.
  case asItIs
  /// So many bytes.
  case bytes(Int)
}

/// Makes records of grains. One thread owns it.
package protocol GrainEncoder: AnyObject {
  /// - Parameters:
  ///   - grain: 65536 bytes.
  ///   - number: Its place in the disk, in grains.
  ///   - record: Room for the longest record.
  func encode(
    _ grain: UnsafeRawBufferPointer, number: UInt64, into record: UnsafeMutableRawBufferPointer
  ) -> GrainRecord
}

/// How records are made, and how long they are at most.
package struct GrainShape: Sendable {
  /// Returns `nil` without memory.
  let makeEncoder: @Sendable () -> (any GrainEncoder)?
  let recordBytesMax: Int

  package init(
    recordBytesMax: Int, makeEncoder: @escaping @Sendable () -> (any GrainEncoder)?
  ) {
    self.recordBytesMax = recordBytesMax
    self.makeEncoder = makeEncoder
  }
}

/// Where records go, in the order of the grains. The writer's thread owns it.
package protocol GrainTarget: AnyObject {
  /// Writes what a batch has, whose grains stay as they are until it returns.
  func write(_ batch: GrainBatch) throws(PluginError)
}
