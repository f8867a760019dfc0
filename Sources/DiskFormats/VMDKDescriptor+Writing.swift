extension VMDKDescriptor {
  /// The text of a stream-optimised disk, NUL-padded to its sectors.
  ///
  /// - Parameters:
  ///   - capacity: Sectors.
  ///   - contentID: Any number but the two largest.
  static func streamOptimized(name: String, capacity: UInt64, contentID: UInt32) -> [UInt8] {
    let cylinders = min(65535, max(1, (capacity + 16064) / 16065))
    let identifier = String(min(contentID, 0xFFFF_FFFD), radix: 16)
    let text = """
      # Disk DescriptorFile
      version=1
      encoding="UTF-8"
      CID=\(String(repeating: "0", count: 8 - identifier.utf8.count))\(identifier)
      parentCID=ffffffff
      createType="streamOptimized"

      # Extent description
      RW \(capacity) SPARSE "\(name)"

      # The Disk Data Base
      #DDB

      ddb.virtualHWVersion = "4"
      ddb.adapterType = "lsilogic"
      ddb.geometry.cylinders = "\(cylinders)"
      ddb.geometry.heads = "255"
      ddb.geometry.sectors = "63"
      ddb.toolsVersion = "2147483647"

      """
    let bytes = Array(text.utf8)
    let size = VMDKLayout.descriptorSectors * VMDKLayout.sectorBytes
    return bytes + [UInt8](repeating: 0, count: size - bytes.count)
  }
}
