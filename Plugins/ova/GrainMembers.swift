import ArchiveFiles
import DiskFormats
import WriterKit

/// The records of a disk on their way into its member, and the tables between them.
final class GrainMembers: GrainTarget {
  private let output: MemberOutput
  private var book = GrainBook()

  init(_ output: MemberOutput) { self.output = output }

  /// A disk begins.
  ///
  /// - Parameter book: Where its records are noted.
  func begin(_ book: GrainBook) { self.book = book }

  func write(_ batch: GrainBatch) throws(PluginError) {
    let bytes = try book.note(batch)
    // Records are copies: the host has its memory back while they are written.
    batch.clear()
    if bytes > 0 { try output.write(batch.block, bytes: bytes) }
  }

  /// What the disk ends with, when everything is written.
  func finish() -> [UInt8] { book.finish() }
}

/// Makes the records of VMDK, or clusters of qcow2 as they are.
final class MemberEncoder: GrainEncoder {
  private let codec: GrainCodec?
  private let dropsZeros: Bool

  /// - Parameters:
  ///   - level: Of VMDK's grains; `nil` makes clusters of qcow2.
  ///   - dropsZeros: Grains of zeros are left away.
  static func shape(level: Int?, dropsZeros: Bool) -> GrainShape {
    GrainShape(recordBytesMax: VMDKLayout.recordBytesMax) {
      let codec = level.flatMap { GrainCodec(level: $0) }
      return level != nil && codec == nil ? nil : MemberEncoder(codec, dropsZeros)
    }
  }

  private init(_ codec: GrainCodec?, _ dropsZeros: Bool) {
    self.codec = codec
    self.dropsZeros = dropsZeros
  }

  func encode(
    _ grain: UnsafeRawBufferPointer, number: UInt64, into record: UnsafeMutableRawBufferPointer
  ) -> GrainRecord {
    if dropsZeros, unsafe areZeros(grain) { return .none }
    if let codec { return .bytes(unsafe codec.encode(grain, number: number, into: record)) }
    unsafe record.copyMemory(from: grain)
    return .bytes(grain.count)
  }
}
