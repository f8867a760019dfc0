import ArchiveBytes
import ArchiveFiles
import DiskFormats
import OVFFormat
import WriterKit

/// Opens disks by what the descriptor says that they are.
///
/// What is in a raw disk the guest has written, so nothing but a name and a URI tells raw from an
/// image: a guest could write the header of one.
struct DiskOpening {
  struct Opened {
    let reader: any DiskReader
    /// Every member that the disk is made of.
    var members: [String]
  }

  private let index: MemberIndex

  init(_ index: MemberIndex) { self.index = index }

  /// - Parameter disk: `nil` for a file as it is.
  func open(
    _ file: OVFDescriptor.File, _ disk: OVFDescriptor.Disk?
  ) throws(PluginError) -> Opened {
    let member = try member(file)
    let window = index.window(member)
    guard let disk else {
      return Opened(
        reader: FlatReader(window, capacityBytes: member.byteCount), members: [member.name])
    }
    guard disk.parentID == nil else {
      throw PluginError(
        .unsupported, "disk \"\(disk.name)\" is a differencing disk")
    }
    let kind = try kind(file, disk)
    if file.isGzip { return try openGzip(kind, window, file, disk) }
    try refuseGzip(kind, window, member.name)
    let reader: any DiskReader
    switch kind {
    case .vmdk: return try openVMDK(window, member.name)
    case .qcow2:
      reader = try naming(member.name) { () throws(ArchiveError) in try QCOW2Reader(window) }
    case .raw, .vhd, .unknown: reader = FlatReader(window, capacityBytes: member.byteCount)
    }
    return Opened(reader: reader, members: [member.name])
  }

  /// Whether a file is nowhere in the archive, neither whole nor in chunks.
  func isMissing(_ file: OVFDescriptor.File) -> Bool {
    index[file.name] == nil && index[file.name + ".000000000"] == nil
  }

  private func member(_ file: OVFDescriptor.File) throws(PluginError) -> MemberIndex.Member {
    if let member = index[file.name] { return member }
    guard index[file.name + ".000000000"] == nil else {
      throw PluginError(
        .unsupported,
        "\"\(file.name)\" is split into chunks; extract the archive, join them with cat, and "
          + "remove chunkSize from the descriptor")
    }
    throw missingMember(file.name)
  }

  /// The URI tells; one that nobody knows leaves it to the suffix.
  private func kind(
    _ file: OVFDescriptor.File, _ disk: OVFDescriptor.Disk
  ) throws(PluginError) -> OVFDescriptor.DiskFormat.Kind {
    var kind = disk.format.kind
    if kind == .unknown {
      var name = file.name.lowercased()
      if file.isGzip, name.hasSuffix(".gz") { name.removeLast(3) }
      let suffixes: [(String, OVFDescriptor.DiskFormat.Kind)] = [
        (".vmdk", .vmdk), (".qcow2", .qcow2), (".raw", .raw), (".img", .raw), (".vhd", .vhd),
      ]
      kind = suffixes.first { name.hasSuffix($0.0) }?.1 ?? .unknown
    }
    guard kind != .vhd && kind != .unknown else {
      throw PluginError(
        .unsupported,
        "\"\(file.name)\" is a disk of "
          + (kind == .vhd ? "an unsupported format (VHD)" : "an unknown format")
          + "; extract it with tar, and back it up with --image"
      )
    }
    return kind
  }

  private func openVMDK(_ window: SourceWindow, _ name: String) throws(PluginError) -> Opened {
    try naming(name) { () throws(ArchiveError) in
      let start = try bytes(window, VMDKDescriptor.start.count)
      if start != VMDKDescriptor.start {
        let reader = try VMDKTableReader(window)
        guard try !VMDKDescriptor(parsing: reader.descriptor).hasParent else {
          throw ArchiveError(.unsupported, "differencing VMDK")
        }
        return Opened(reader: reader, members: [name])
      }
      let count = Int(min(window.byteCount, UInt64(VMDKDescriptor.bytesMax)))
      let descriptor = try VMDKDescriptor(parsing: bytes(window, count))
      var members = [name]
      let reader = try VMDKExtentsReader(descriptor) { extent throws(ArchiveError) in
        guard extent != name, let part = index[extent] else {
          throw .corrupt("an extent of the VMDK is not in the archive")
        }
        if !members.contains(extent) { members.append(extent) }
        return index.window(part)
      }
      return Opened(reader: reader, members: members)
    }
  }

  /// A reader does not know in which member its disk is.
  private func naming<Value>(
    _ name: String, _ body: () throws(ArchiveError) -> Value
  ) throws(PluginError) -> Value {
    do { return try body() } catch {
      throw PluginError(error.code, "\"\(name)\": \(error.message)", errno: error.errno)
    }
  }

  /// The first bytes, as far as there are any.
  private func bytes(_ window: SourceWindow, _ count: Int) throws(ArchiveError) -> [UInt8] {
    let part = SourceWindow(window, start: 0, byteCount: min(UInt64(count), window.byteCount))
    return try MemberSource(part, byteCount: part.byteCount, .sha256).content()
  }

  private static let gzipMagic: [UInt8] = [0x1F, 0x8B]

  /// Refuses an image that is compressed without a word in the descriptor. A raw disk may begin
  /// like this.
  private func refuseGzip(
    _ kind: OVFDescriptor.DiskFormat.Kind, _ window: SourceWindow, _ name: String
  ) throws(PluginError) {
    guard kind != .raw else { return }
    let start = try plugin { () throws(ArchiveError) in try bytes(window, 2) }
    guard start != Self.gzipMagic else {
      throw PluginError(
        .unsupported,
        "\"\(name)\" is compressed with gzip, which the descriptor does not say; extract the "
          + "archive, decompress it (gunzip), and use sluice backup --image")
    }
  }

  /// Refuses a member that is not compressed, though the descriptor says so.
  private func requireGzip(_ window: SourceWindow, _ name: String) throws(PluginError) {
    let start = try plugin { () throws(ArchiveError) in try bytes(window, 2) }
    guard start == Self.gzipMagic else {
      throw PluginError(
        .corrupt, "\"\(name)\" is not compressed with gzip, although the descriptor says so")
    }
  }

  /// A gzip stream goes forward only.
  private func openGzip(
    _ kind: OVFDescriptor.DiskFormat.Kind, _ window: SourceWindow, _ file: OVFDescriptor.File,
    _ disk: OVFDescriptor.Disk
  ) throws(PluginError) -> Opened {
    if kind == .raw || kind == .vmdk { try requireGzip(window, file.name) }
    let source = try gunzipped(window)
    switch kind {
    case .raw:
      guard let capacity = disk.capacity else {
        throw PluginError(
          .unsupported,
          "\"\(file.name)\" is compressed, and the descriptor has no valid capacity of it; extract "
            + "the archive and decompress it (gunzip)")
      }
      return Opened(reader: FlatReader(source, capacityBytes: capacity), members: [file.name])
    case .vmdk:
      do throws(ArchiveError) {
        return Opened(reader: try VMDKStreamReader(source), members: [file.name])
      } catch  where error.code != .unsupported {
        throw PluginError(error.code, "\"\(file.name)\": \(error.message)", errno: error.errno)
      } catch {}
    default: break
    }
    throw PluginError(
      .unsupported,
      "\"\(file.name)\" is compressed, and its format needs random access; extract the archive and "
        + "decompress it (gunzip)")
  }
}
