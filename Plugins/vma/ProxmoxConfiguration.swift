import WriterKit

/// What `qmrestore` needs to find in `qemu-server.conf`: for each disk a line that says which
/// drive it is, where it was stored and in which format, and no line without a disk.
///
/// ```
/// #vzdump#sluice:812
/// #qmdump#map:scsi0:drive-scsi0:local-lvm:raw:
/// ```
/// The first of them is ours: the bytes of the file as it was. Proxmox drops it as it drops its
/// own; our reader takes the file back to what it was, so that it has its digest again.
struct ProxmoxConfiguration {
  static let name = "qemu-server.conf"
  static let mapMark = "#qmdump#map:"
  static let sizeMark = "#vzdump#sluice:"

  private let disks: [String]
  private let hasFile: Bool

  init(_ streams: [StreamDescription]) {
    disks = streams.filter { $0.kind == .disk }.map(\.name)
    hasFile = streams.contains { $0.kind == .config && $0.name == Self.name }
  }

  /// Refuses a job that no line could make fit for Proxmox.
  func checkNames() throws(PluginError) {
    guard hasFile else {
      throw PluginError(
        .badJob, "proxmox needs the machine's \(Self.name): add --proxmox-config FILE")
    }
    for disk in disks where Self.drive(of: disk) == nil {
      throw PluginError(
        .badJob,
        "Proxmox cannot restore a disk named \"\(disk)\"; valid names are drive-scsi0, "
          + "drive-virtio1, drive-sata2, drive-ide3, drive-efidisk0 or drive-tpmstate0-backup")
    }
  }

  /// The drive that a device is the disk of: `scsi0` for `drive-scsi0`.
  static func drive(of device: String) -> String? {
    guard device.hasPrefix("drive-") else { return nil }
    var drive = device.dropFirst("drive-".count)
    let isBackup = drive.hasSuffix("-backup")
    if isBackup { drive = drive.dropLast("-backup".count) }
    let number = drive.reversed().prefix { $0.isASCII && $0.isNumber }.count
    let bus = drive.dropLast(number)
    let buses = isBackup ? ["tpmstate"] : ["ide", "scsi", "virtio", "sata", "efidisk"]
    guard (1...3).contains(number), buses.contains(String(bus)) else { return nil }
    return String(drive)
  }

  /// The file with a line for every disk.
  ///
  /// - Throws: E_BAD_JOB for a line without disk, for two of one disk, and for a file with
  ///   snapshots, which Proxmox would not have put into an archive; E_TOO_LARGE.
  func completed(_ content: [UInt8]) throws(PluginError) -> [UInt8] {
    let lines = content.split(separator: UInt8(ascii: "\n")).map {
      String(decoding: $0, as: UTF8.self)
    }
    if let section = lines.first(where: { $0.hasPrefix("[") }) {
      throw PluginError(
        .badJob, "\(Self.name) has a section \(section); remove snapshots from it")
    }
    let missing = try disksWithoutLine(lines)
    guard !missing.isEmpty else { return content }
    var result = content
    if let last = content.last, last != UInt8(ascii: "\n") { result.append(UInt8(ascii: "\n")) }
    result += Array("\(Self.sizeMark)\(content.count)\n".utf8)
    for disk in missing { result += Array(line(for: disk, lines).utf8) }
    guard result.count <= 65535 else {
      throw PluginError(
        .tooLarge, "\(Self.name) has \(result.count) bytes with the disk map; the limit is 65535")
    }
    return result
  }

  private func disksWithoutLine(_ lines: [String]) throws(PluginError) -> [String] {
    var missing = disks
    for line in lines where line.hasPrefix(Self.mapMark) {
      let fields = line.dropFirst(Self.mapMark.count)
        .split(separator: ":", omittingEmptySubsequences: false)
      guard fields.count >= 2, let place = missing.firstIndex(of: String(fields[1])) else {
        throw PluginError(
          .badJob, "\(Self.name) maps a disk that is not in this backup, or maps it twice: \(line)")
      }
      missing.remove(at: place)
    }
    return missing
  }

  /// `#qmdump#map:scsi0:drive-scsi0:local-lvm:raw:`
  private func line(for disk: String, _ lines: [String]) -> String {
    let drive = Self.drive(of: disk) ?? ""
    let volume = Volume(of: drive, in: lines)
    return "\(Self.mapMark)\(drive):\(disk):\(volume.storage):\(volume.format):\n"
  }

  /// Where a disk was, as its line in the file says.
  private struct Volume {
    /// Empty where the file does not say it.
    var storage = ""
    var format = "raw"

    init(of drive: String, in lines: [String]) {
      guard let line = lines.first(where: { $0.hasPrefix("\(drive):") }) else { return }
      let fields = line.dropFirst(drive.utf8.count + 1).drop { $0 == " " }
        .split(separator: ",", omittingEmptySubsequences: false)
      guard let volume = fields.first, volume.first != "/",
        let colon = volume.firstIndex(of: ":")
      else { return }
      let name = volume[..<colon]
      guard name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) })
      else { return }
      storage = String(name)
      for format in ["qcow2", "vmdk"] where volume.hasSuffix(".\(format)") { self.format = format }
    }
  }
}

extension ProxmoxConfiguration {
  /// The file as it was before ``completed(_:)``; the same bytes where it never was.
  static func original(_ content: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let mark = Array(sizeMark.utf8)
    let lines = content.split(separator: UInt8(ascii: "\n"))
    // Only lines of ours follow the mark, which says where they begin.
    guard let place = lines.lastIndex(where: { $0.starts(with: mark) }),
      lines[(place + 1)...].allSatisfy({ $0.starts(with: Array(mapMark.utf8)) }),
      content.last == UInt8(ascii: "\n"),
      let size = Int(String(decoding: lines[place].dropFirst(mark.count), as: UTF8.self))
    else { return content }
    let start = lines[place].startIndex - content.startIndex
    // What was added before the mark is the end of a last line, if it had none.
    let before = content[..<lines[place].startIndex]
    guard size == start || (size == start - 1 && before.last == UInt8(ascii: "\n")), size >= 0
    else { return content }
    return content.prefix(size)
  }
}
