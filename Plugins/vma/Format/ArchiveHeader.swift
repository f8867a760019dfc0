/// What an archive says it holds.
package struct ArchiveHeader: Sendable {
  /// A configuration, whole.
  package struct Config: Sendable {
    package var name: String
    /// Where it is in the header.
    let place: Range<Int>
  }

  /// A disk, or the machine's memory.
  package struct Device: Sendable {
    /// 1…254: what extents call it.
    package let id: UInt8
    package let name: String
    /// Bytes, at least 1.
    package let size: UInt64
    /// Whether it is a stream of the machine's memory: how long that is was not always known when
    /// the header was written.
    package var isMemory: Bool { name == stateName }

    /// Clusters, the last of which may be short.
    package var clusterCount: UInt64 {
      (size + UInt64(Layout.clusterBytes) - 1) / UInt64(Layout.clusterBytes)
    }

    /// Bytes of a cluster that lie within the device.
    package func byteCount(cluster: UInt64) -> Int {
      Int(min(UInt64(Layout.clusterBytes), size - cluster * UInt64(Layout.clusterBytes)))
    }
  }

  /// The device that is no disk, but the state of a running machine.
  package static let stateName = "vmstate"

  package let identifier: ArchiveIdentifier
  /// Seconds since 1970.
  package let created: Int64
  package let configs: [Config]
  /// By ascending ids.
  package let devices: [Device]
  /// What is merely odd, for people.
  package let oddities: [String]
  private let bytes: [UInt8]

  init(
    identifier: ArchiveIdentifier, created: Int64, configs: [Config], devices: [Device],
    oddities: [String], bytes: [UInt8]
  ) {
    self.identifier = identifier
    self.created = created
    self.configs = configs
    self.devices = devices
    self.oddities = oddities
    self.bytes = bytes
  }

  /// Bytes of the header: where the extents begin.
  package var byteCount: Int { bytes.count }

  /// The bytes of a configuration.
  package func content(_ config: Config) -> ArraySlice<UInt8> { bytes[config.place] }
}
