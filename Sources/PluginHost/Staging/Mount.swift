internal import System

/// A mounted file system, as `/proc/self/mountinfo` tells of it.
struct Mount {
  private static let byteCountMax = 16 << 20

  /// The file system's own options; none if they cannot be told.
  let options: [String]
  private let kind: String
  private let source: String

  /// - Parameter descriptor: Something that lies on it.
  init(of descriptor: Int32) {
    let fields = Self.fields(of: descriptor)
    // mount, parent, device, root, place, options, …, -, kind, source, options of the file system
    options = fields.last?.split(separator: ",").map(String.init) ?? []
    kind = fields.dropLast(2).last ?? ""
    source = fields.dropLast().last ?? ""
  }

  /// Whether a FUSE file system shows a device or directory of this machine.
  var isLocal: Bool { ["fuse", "fuseblk"].contains(kind) && source.hasPrefix("/") }

  private static func fields(of descriptor: Int32) -> [String] {
    guard let status = try? FileStatus(descriptor: descriptor, subject: "a mount"),
      let bytes = try? readSmallFile("/proc/self/mountinfo", limit: byteCountMax)
    else { return [] }
    let device = name(status.device)
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      let fields = line.split(separator: UInt8(ascii: " ")).map {
        String(decoding: $0, as: UTF8.self)
      }
      if fields.count > 9 && fields[2] == device { return fields }
    }
    return []
  }

  /// `major:minor` of a device number, as makedev(3) puts it together.
  private static func name(_ device: UInt64) -> String {
    let major = (device >> 8) & 0xFFF | (device >> 32) & ~0xFFF
    let minor = device & 0xFF | (device >> 12) & ~0xFF
    return "\(major):\(minor)"
  }
}
