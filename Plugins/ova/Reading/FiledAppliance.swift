import ArchiveBytes
import ArchiveFiles
import DiskFormats
import Hashing
import OVFFormat
import TarFormat
import WriterKit

/// An archive that has bytes at any place: an uncompressed file, or a copy of what was none.
final class FiledAppliance: OpenedAppliance {
  let appliance: Appliance
  let receipt: ApplianceReceipt?
  private let index: MemberIndex
  private let manifest: ApplianceManifest
  private let walk: TarWalk
  private let work: LongWork
  private let isVerified: Bool
  /// Members that are what their lines say.
  private var checked: Set<String> = []

  init(_ file: any RandomSource, _ job: Job, _ host: Host) throws(PluginError) {
    isVerified = job.mode == .verify
    work = LongWork(host)
    walk = TarWalk(file)
    index = try MemberIndex(walk, file, host)
    guard let name = index.names.descriptor else {
      throw PluginError(
        .corrupt, "the archive has no descriptor (.ovf): it is no appliance; try --format tar")
    }
    manifest =
      if let name = index.names.manifest {
        try ApplianceManifest(
          parsing: index.content(name, atMost: ApplianceManifest.byteCountMax), host)
      } else { ApplianceManifest() }
    let text = try index.content(name, atMost: Appliance.descriptorBytesMax)
    let descriptor = try Appliance.descriptor(parsing: text)
    if let backup = descriptor.backup {
      var appliance = try Appliance(ours: descriptor, backup)
      let receipt = try ApplianceReceipt(
        parsing: index.content(Appliance.receipt, atMost: UInt64(Receipt.byteCountMax)), appliance)
      for place in appliance.parts.indices {
        appliance.parts[place].stream.digest = receipt.digest(
          of: appliance.parts[place].stream.name)
      }
      (self.appliance, self.receipt) = (appliance, receipt)
      try checkOurs(manifest, index.names)
      try check(Appliance.receipt)
    } else {
      appliance = try ForeignAppliance(descriptor, name, index, host).appliance
      receipt = nil
      try checkLines(manifest, index.names)
    }
    try check(name)
  }

  func deliver(_ part: Appliance.Part, to sink: ReadSink) throws(PluginError) {
    guard appliance.isOurs, part.goesForward, let member = index[part.file.name] else {
      for name in part.members { try check(name) }
      let reader = try DiskOpening(index).open(part.file, part.disk).reader
      if appliance.isOurs {
        try settle(part, part.deliver(reader, to: sink))
      } else {
        try part.check(reader)
        try plugin { () throws(ArchiveError) in try reader.read(to: PieceSink(sink)) }
      }
      return
    }
    let line = manifest.lines[member.name]
    let source = MemberSource(
      index.window(member), byteCount: member.byteCount, line?.algorithm ?? .sha256)
    let digests = try part.deliver(source, byteCount: member.byteCount, to: sink)
    let digest = try plugin { () throws(ArchiveError) in try source.finish() }
    if let line, digest != line.digest { throw damagedMember(member.name) }
    checked.insert(member.name)
    try settle(part, digests)
  }

  func complete() throws(PluginError) {
    guard isVerified else { return }
    for name in index.names.all { try check(name) }
    try plugin { () throws(ArchiveError) in try walk.drain() }
  }

  private func settle(_ part: Appliance.Part, _ digests: StreamDigests) throws(PluginError) {
    try part.checkCopy(digests)
    try receipt?.check(part.stream.name, digests)
  }

  /// Holds a member against its line of the manifest, if it has one.
  private func check(_ name: String) throws(PluginError) {
    guard let line = manifest.lines[name], !checked.contains(name) else { return }
    guard let member = index[name] else { throw missingMember(name) }
    let source = MemberSource(index.window(member), byteCount: member.byteCount, line.algorithm)
    source.onPassing = { [work] in work.heed($0, "hashing \(name)") }
    let digest = try plugin { () throws(ArchiveError) in try source.finish() }
    guard digest == line.digest else { throw damagedMember(name) }
    checked.insert(name)
  }
}
