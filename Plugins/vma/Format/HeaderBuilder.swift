/// Puts a header together: configurations first, then devices, in the order of the genuine
/// writer.
package struct HeaderBuilder {
  private let identifier: ArchiveIdentifier
  private let created: Int64
  private var fixed = [UInt8](repeating: 0, count: Layout.fixedHeaderBytes)
  /// Offset 0 means "none", so a byte stands before the first blob.
  private var blobs: [UInt8] = [0]
  private var configCount = 0
  private var deviceCount = 0

  /// - Parameter created: Seconds since 1970.
  package init(identifier: ArchiveIdentifier, created: Int64) {
    self.identifier = identifier
    self.created = created
  }

  /// Adds a configuration; at most ``Layout/configsMax``, of ``Layout/blobBytesMax`` bytes.
  package mutating func addConfig(name: String, content: [UInt8]) {
    precondition(configCount < Layout.configsMax, "a header has no more places")
    fixed.store(append(name), at: Layout.configNamesAt + 4 * configCount)
    fixed.store(append(content), at: Layout.configDataAt + 4 * configCount)
    configCount += 1
  }

  /// Adds a device; ids are given from 1 on, at most ``Layout/devicesMax``.
  package mutating func addDevice(name: String, size: UInt64) {
    precondition(deviceCount < Layout.devicesMax, "a header has no more devices")
    deviceCount += 1
    let entry = Layout.devicesAt + Layout.deviceEntryBytes * deviceCount
    fixed.store(append(name), at: entry)
    fixed.store(size, at: entry + 8)
  }

  /// The whole header, a multiple of 512 bytes.
  package consuming func finish() -> [UInt8] {
    let padded = (blobs.count + 511) & ~511
    fixed.store(Layout.magic, at: 0)
    fixed.store(Layout.version, at: 4)
    fixed.store(identifier.high, at: 8)
    fixed.store(identifier.low, at: 16)
    fixed.store(created, at: Layout.createdAt)
    fixed.store(UInt32(Layout.fixedHeaderBytes), at: Layout.blobOffsetAt)
    fixed.store(UInt32(blobs.count), at: Layout.blobOffsetAt + 4)
    fixed.store(UInt32(Layout.fixedHeaderBytes + padded), at: Layout.blobOffsetAt + 8)
    var bytes = fixed + blobs
    bytes.append(contentsOf: repeatElement(0, count: padded - blobs.count))
    let checksum = Checksum(of: unsafe bytes.span.bytes, at: Layout.checksumAt)
    bytes.store(checksum.high, at: Layout.checksumAt)
    bytes.store(checksum.low, at: Layout.checksumAt + 8)
    return bytes
  }

  private mutating func append(_ name: String) -> UInt32 { append(Array(name.utf8) + [0]) }

  private mutating func append(_ blob: [UInt8]) -> UInt32 {
    precondition(blob.count <= Layout.blobBytesMax, "a blob of \(blob.count) bytes")
    let offset = UInt32(blobs.count)
    blobs.appendBlobLength(blob.count)
    blobs += blob
    return offset
  }
}
