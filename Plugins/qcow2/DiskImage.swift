import ArchiveBytes
import ArchiveFiles
import DiskFormats
import WriterKit

/// The image of a disk that is being written. The writer's thread owns it.
///
/// What comes through compressing threads comes late: zeros between it wait for their turn.
@safe final class DiskImage: GrainTarget {
  /// Zeros that may wait.
  private static let zerosMax = 4096

  private var encoder: QCOW2Encoder
  private var file: OutputImage
  private let packed = PackedBuffer()
  private var waitingZeros: [Range<UInt64>] = []
  /// Clusters that lie one behind the other in memory and in the file, and are not written yet.
  private var run = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
  private var runOffset: UInt64 = 0

  init(_ encoder: QCOW2Encoder, _ file: consuming OutputImage) {
    self.encoder = encoder
    self.file = file
  }

  /// Whether zeros have waited long enough.
  var isCrowded: Bool { waitingZeros.count >= Self.zerosMax }

  /// Adds what a frame has.
  func add(_ data: borrowing StreamData) throws(PluginError) {
    let first = data.offset / Cluster.bytes
    try unsafe data.bytes.withUnsafeBytes { bytes throws(PluginError) in
      for place in 0..<data.clusterCount {
        let number = first + UInt64(place)
        let part = unsafe UnsafeRawBufferPointer(
          rebasing: bytes[(place << 16)..<min(bytes.count, (place + 1) << 16)])
        if data.mask(place).isEmpty {
          try addZeros(number..<(number + 1))
        } else {
          try unsafe addPlain(number, part)
        }
      }
      try endRun()
    }
  }

  /// Says that clusters are zeros; those that came before are written.
  func addZeros(_ clusters: Range<UInt64>) throws(PluginError) {
    try plugin { () throws(ArchiveError) in try encoder.addZeros(clusters) }
    try writePieces()
  }

  /// Says that clusters are zeros, behind those that the threads have.
  func addZerosLater(_ clusters: Range<UInt64>) { waitingZeros.append(clusters) }

  /// Adds what the threads have made.
  func write(_ batch: GrainBatch) throws(PluginError) {
    for grain in batch.grains {
      try addWaitingZeros(before: grain.number)
      if grain.isAsItIs {
        try unsafe addPlain(
          grain.number,
          UnsafeRawBufferPointer(start: grain.bytes, count: Int(Cluster.bytes)))
      } else if grain.record.isEmpty {
        try addZeros(grain.number..<(grain.number + 1))
      } else {
        let record = unsafe UnsafeRawBufferPointer(rebasing: batch.block.memory[grain.record])
        try unsafe addPacked(grain.number, record)
      }
    }
    try endRun()
  }

  /// Ends the image, whose header is written last.
  ///
  /// - Returns: Bytes of the file, and those it takes on the disk.
  func finish() throws(PluginError) -> (bytes: UInt64, stored: UInt64) {
    try addWaitingZeros(before: .max)
    try packed.flush(to: &file)
    let header = try encoder.finish { piece throws(PluginError) in try file.write(piece) }
    try file.write(header)
    let bytes = encoder.byteCount
    return (bytes, try file.finish(bytes))
  }

  private func addWaitingZeros(before number: UInt64) throws(PluginError) {
    let due = waitingZeros.prefix { $0.lowerBound < number }
    guard !due.isEmpty else { return }
    for clusters in due { try addZeros(clusters) }
    waitingZeros.removeFirst(due.count)
  }

  private func addPlain(_ number: UInt64, _ bytes: UnsafeRawBufferPointer) throws(PluginError) {
    let offset = try plugin { () throws(ArchiveError) in try encoder.add(number) }
    try writePieces()
    guard bytes.count == Int(Cluster.bytes) else {
      return try unsafe file.writeCluster(bytes, at: offset)
    }
    if unsafe !run.isEmpty, unsafe offset == runOffset + UInt64(run.count),
      let start = unsafe run.baseAddress, unsafe start + run.count == bytes.baseAddress
    {
      unsafe run = UnsafeRawBufferPointer(start: start, count: run.count + bytes.count)
    } else {
      try endRun()
      unsafe run = bytes
      runOffset = offset
    }
  }

  private func addPacked(_ number: UInt64, _ bytes: UnsafeRawBufferPointer) throws(PluginError) {
    let offset = try plugin { () throws(ArchiveError) in
      try encoder.add(number, packed: bytes.count)
    }
    try writePieces()
    try unsafe packed.append(bytes, at: offset, to: &file)
  }

  /// Writes the clusters that wait; their memory may be gone afterwards.
  private func endRun() throws(PluginError) {
    guard unsafe !run.isEmpty else { return }
    let bytes = unsafe run
    unsafe run = UnsafeRawBufferPointer(start: nil, count: 0)
    try unsafe file.write(bytes, at: runOffset)
  }

  private func writePieces() throws(PluginError) {
    for piece in encoder.takePieces() { try file.write(piece) }
  }
}
