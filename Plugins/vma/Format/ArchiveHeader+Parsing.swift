package import ArchiveBytes
internal import BackupProtocol

extension ArchiveHeader {
  /// Bytes read at once: what a header claims to have takes no memory before it comes.
  private static let stepBytes = 64 << 10

  /// Reads the header, the first bytes of `source`, and checks all of it.
  ///
  /// What the genuine reader lets pass passes: sizes that are no multiples of 512, blobs anywhere
  /// after the fixed part, reserved bytes of any value, entries that lead to nothing. Names are
  /// checked here, once: nobody sees one that is no name.
  /// - Throws: E_CORRUPT; E_TOO_LARGE for what would not fit into memory or onto the wire.
  package init(reading source: any ByteSource) throws(ArchiveError) {
    var bytes = try Self.read(4, from: source)
    guard bytes.bigEndian(0, as: UInt32.self) == Layout.magic else {
      throw .corrupt("not a VMA archive")
    }
    bytes += try Self.read(Layout.fixedHeaderBytes - bytes.count, from: source)
    let size = Int(bytes.bigEndian(56, as: UInt32.self))
    guard size > Layout.fixedHeaderBytes else {
      throw .corrupt("invalid header size of \(size) bytes")
    }
    guard size <= Layout.headerBytesMax else {
      throw ArchiveError(
        .tooLarge, "header size of \(size) bytes; the limit is \(Layout.headerBytesMax)")
    }
    bytes.reserveCapacity(min(size, bytes.count + Self.stepBytes))
    while bytes.count < size {
      bytes += try Self.read(min(size - bytes.count, Self.stepBytes), from: source)
    }
    try self.init(checking: bytes)
  }

  private init(checking bytes: [UInt8]) throws(ArchiveError) {
    let all = unsafe bytes.span.bytes
    let checksum = Checksum(of: all, at: Layout.checksumAt)
    guard checksum == Checksum(writtenAt: Layout.checksumAt, in: all) else {
      throw .corrupt("the header is damaged: wrong checksum")
    }
    let version = bytes.bigEndian(4, as: UInt32.self)
    guard version == Layout.version else {
      throw ArchiveError(.unsupported, "unsupported version \(version)")
    }
    let start = Int(bytes.bigEndian(Layout.blobOffsetAt, as: UInt32.self))
    let count = Int(bytes.bigEndian(Layout.blobOffsetAt + 4, as: UInt32.self))
    guard start >= Layout.fixedHeaderBytes, start + count <= bytes.count else {
      throw .corrupt("the blobs are beyond the end of the header")
    }
    let blobs = BlobChain(bytes, area: start..<(start + count), wanted: Self.pointers(bytes))
    let devices = try Self.devices(bytes, blobs)
    var names = ConfigNames(devices: devices)
    let configs = try Self.configs(bytes, blobs, &names)
    self.init(
      identifier: ArchiveIdentifier(
        high: bytes.bigEndian(8, as: UInt64.self), low: bytes.bigEndian(16, as: UInt64.self)),
      created: bytes.bigEndian(Layout.createdAt, as: Int64.self), configs: configs,
      devices: devices, oddities: names.oddities, bytes: bytes)
  }

  /// Every offset of a blob that the tables have.
  private static func pointers(_ bytes: [UInt8]) -> [UInt32] {
    var pointers: [UInt32] = []
    func note(_ offset: Int) {
      let pointer = bytes.bigEndian(offset, as: UInt32.self)
      if pointer != 0 { pointers.append(pointer) }
    }
    for index in 0..<Layout.configsMax {
      note(Layout.configNamesAt + 4 * index)
      note(Layout.configDataAt + 4 * index)
    }
    for id in 1...Layout.devicesMax { note(Layout.devicesAt + Layout.deviceEntryBytes * id) }
    return pointers
  }

  private static func configs(
    _ bytes: [UInt8], _ blobs: BlobChain, _ names: inout ConfigNames
  ) throws(ArchiveError) -> [Config] {
    var configs: [Config] = []
    for index in 0..<Layout.configsMax {
      let name = bytes.bigEndian(Layout.configNamesAt + 4 * index, as: UInt32.self)
      let data = bytes.bigEndian(Layout.configDataAt + 4 * index, as: UInt32.self)
      if name == 0 || data == 0 { continue }
      guard let text = blobs.name(name, in: bytes), let place = blobs[data] else {
        throw .corrupt("configuration \(index) refers to an invalid blob")
      }
      guard let name = try names.name(text, of: "configuration \(index)") else { continue }
      // The genuine reader writes both to one file: the last one stays.
      configs.removeAll { $0.name == name }
      configs.append(Config(name: name, place: place))
    }
    return configs
  }

  private static func devices(
    _ bytes: [UInt8], _ blobs: BlobChain
  ) throws(ArchiveError) -> [Device] {
    var devices: [Device] = []
    for id in 1...Layout.devicesMax {
      let entry = Layout.devicesAt + Layout.deviceEntryBytes * id
      let size = bytes.bigEndian(entry + 8, as: UInt64.self)
      guard size != 0, let text = blobs.name(bytes.bigEndian(entry, as: UInt32.self), in: bytes)
      else { continue }
      let name = try checkedName(text, of: "device \(id)")
      guard size <= Layout.deviceBytesMax else {
        throw ArchiveError(
          .tooLarge, "\"\(name)\" has an invalid size of \(size) bytes")
      }
      guard !devices.contains(where: { $0.name == name }) else {
        throw .corrupt("duplicate name \"\(name)\" in the archive")
      }
      devices.append(Device(id: UInt8(id), name: name, size: size))
    }
    return devices
  }

  private static func read(
    _ count: Int, from source: any ByteSource
  ) throws(ArchiveError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    var raw = unsafe span.mutableBytes
    try source.fill(&raw, from: 0, count: count, of: "its header")
    return bytes
  }
}
