internal import ArchiveBytes
internal import BackupProtocol

/// Names of configurations, as streams can have them.
///
/// Others keep disks and configurations apart, and what they call a configuration may be the name
/// of a disk, or of a hidden file.
struct ConfigNames {
  private let devices: Set<String>
  /// What was done about names, for people.
  private(set) var oddities: [String] = []

  init(devices: [ArchiveHeader.Device]) { self.devices = Set(devices.map(\.name)) }

  /// - Returns: `nil` for a hidden file, which is left out.
  mutating func name(
    _ text: [UInt8], of owner: String
  ) throws(ArchiveError) -> String? {
    if let hidden = hidden(text) {
      oddities.append("configuration \"\(hidden)\" has the name of a hidden file: skipped")
      return nil
    }
    let name = try checkedName(text, of: owner)
    guard devices.contains(name) else { return name }
    let other = free(name)
    guard StreamDescription.isAcceptable(name: other) else {
      throw .corrupt("duplicate name \"\(name)\" in the archive")
    }
    oddities.append(
      "configuration \"\(name)\" has the name of a disk: it is listed as \"\(other)\"")
    return other
  }

  /// A name that begins with a dot, and is one of a file otherwise.
  private func hidden(_ text: [UInt8]) -> String? {
    guard text.count > 1, text.first == UInt8(ascii: "."), text != Array("..".utf8),
      let rest = String(validating: text.dropFirst(), as: UTF8.self),
      StreamDescription.isAcceptable(name: "_" + rest)
    else { return nil }
    return "." + rest
  }

  private func free(_ name: String) -> String {
    var other = name + ".conf"
    while devices.contains(other) { other += ".conf" }
    return other
  }
}

/// The name of a device or configuration, as a stream can have it.
func checkedName(_ text: [UInt8], of owner: String) throws(ArchiveError) -> String {
  guard let name = String(validating: text, as: UTF8.self),
    StreamDescription.isAcceptable(name: name)
  else { throw .corrupt("the name of \(owner) is not a valid file name") }
  return name
}
