import ArchiveFiles
import DiskFormats
import WriterKit

/// Compresses clusters on one of the threads. Those of zeros, and those that gain little, are told
/// apart.
final class ClusterEncoder: GrainEncoder {
  private let codec: QCOW2Codec

  static func shape(_ method: QCOW2Codec.Method) -> GrainShape {
    GrainShape(recordBytesMax: QCOW2Codec.packedBytesMax) {
      QCOW2Codec(method).map { ClusterEncoder($0) }
    }
  }

  private init(_ codec: QCOW2Codec) { self.codec = codec }

  func encode(
    _ grain: UnsafeRawBufferPointer, number: UInt64, into record: UnsafeMutableRawBufferPointer
  ) -> GrainRecord {
    if unsafe areZeros(grain) { return .none }
    let count = unsafe codec.pack(grain, into: record)
    return count > 0 ? .bytes(count) : .asItIs
  }
}
