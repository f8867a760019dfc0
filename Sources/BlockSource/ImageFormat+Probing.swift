internal import Requests

extension ImageFormat {
  /// Bytes from either end of a file that `init(head:tail:)` wants to see.
  static let probeBytes = 512

  /// The format that the first and last bytes of a file show, or `nil`; never `.raw`.
  ///
  /// - Parameters:
  ///   - head: The first `probeBytes` bytes, or the whole of a shorter file.
  ///   - tail: The last `probeBytes` bytes.
  init?(head: [UInt8], tail: [UInt8]) {
    func starts(_ magic: String, at offset: Int = 0, in bytes: [UInt8]? = nil) -> Bool {
      (bytes ?? head).dropFirst(offset).starts(with: magic.utf8)
    }
    if head.starts(with: [0x51, 0x46, 0x49, 0xFB]) {
      self = .qcow2
    } else if starts("KDMV") || starts("COWD") || starts("# Disk DescriptorFile") {
      self = .vmdk
    } else if head.dropFirst(64).starts(with: [0x7F, 0x10, 0xDA, 0xBE]) {
      self = .vdi
    } else if starts("vhdxfile") {
      self = .vhdx
    } else if starts("QED\0") {
      self = .qed
    } else if starts("WithoutFreeSpace") || starts("WithouFreSpacExt") {
      self = .parallels
    } else if starts("conectix") || starts("conectix", in: tail) {
      self = .vpc
    } else {
      return nil
    }
  }
}
