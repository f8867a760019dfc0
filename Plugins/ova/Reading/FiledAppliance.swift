import ArchiveBytes
import ArchiveFiles
import DiskFormats
import OVFFormat
import TarFormat
import WriterKit

/// An archive that has bytes at any place: an uncompressed file, or a copy of what was none.
final class FiledAppliance: OpenedAppliance {
  let appliance: Appliance
  let receipt: ApplianceReceipt?
  private let index: MemberIndex
  private let members: CheckedMembers
  private let walk: TarWalk
  private let isVerified: Bool
  private let salvages: Bool
  /// The disk of which a part was wanted last.
  private var inParts: (stream: UInt32, reader: any DiskReader)?

  init(_ file: any RandomSource, _ job: Job, _ host: Host) throws(PluginError) {
    isVerified = job.mode == .verify
    salvages = job.salvages
    walk = TarWalk(file)
    index = try MemberIndex(walk, file, host, salvages: salvages)
    guard let name = index.names.descriptor else {
      throw PluginError(
        .corrupt, "not an OVA appliance: the archive has no descriptor (.ovf); try --format tar")
    }
    members = try CheckedMembers(index, host, salvages: salvages)
    let text = try index.content(name, atMost: Appliance.descriptorBytesMax)
    if !salvages { try members.check(name) }
    var descriptor = try Appliance.descriptor(parsing: text)
    guard let backup = descriptor.backup else {
      descriptor.unescapeNames { [names = index.names] in names.contains($0) }
      appliance = try ForeignAppliance(descriptor, name, index, host).appliance
      receipt = nil
      members.manifest.warnOfUnchecked(host)
      guard !salvages else { return }
      try walk.checkEnd(isOurs: false, host)
      let missing = appliance.parts.filter(\.isMissing).map(\.file.name)
      try checkLines(members.manifest, index.names, except: Set(missing))
      return
    }
    var appliance = try Appliance(ours: descriptor, backup)
    guard !salvages else {
      // Its digests would say again what is damaged; the host has its own receipt.
      (self.appliance, receipt) = (appliance, nil)
      return
    }
    let receiptText = try index.content(Appliance.receipt, atMost: UInt64(Receipt.byteCountMax))
    try members.check(Appliance.receipt)
    let receipt = try ApplianceReceipt(parsing: receiptText, appliance)
    for place in appliance.parts.indices {
      appliance.parts[place].stream.digest = receipt.digest(of: appliance.parts[place].stream.name)
    }
    (self.appliance, self.receipt) = (appliance, receipt)
    try checkOurs(members.manifest, index.names)
    try walk.checkEnd(isOurs: true, host)
  }

  var hasLineForEveryMember: Bool {
    index.names.listed.allSatisfy { members.manifest.lines[$0] != nil }
  }

  func deliver(_ part: Appliance.Part, to sink: ReadSink) throws(PluginError) {
    if salvages { return try salvage(part, to: sink) }
    if appliance.isOurs, part.goesForward, let member = index[part.file.name] {
      let source = members.source(member)
      let digests = try part.deliver(source, byteCount: member.byteCount, to: sink)
      let digest = try plugin { () throws(ArchiveError) in try source.finish() }
      try members.settle(member.name, sha256: digest)
      try settle(part, digests)
      return
    }
    try requireFile(of: part)
    for name in part.members { try members.check(name) }
    let reader = try DiskOpening(index).open(part.file, part.disk).reader
    if appliance.isOurs {
      try settle(part, part.deliver(reader, to: sink))
    } else {
      try part.check(reader)
      try plugin { () throws(ArchiveError) in try reader.read(to: PieceSink(sink)) }
    }
  }

  /// By tables, for a member's digest is that of all of it.
  func deliver(
    _ part: Appliance.Part, _ range: Range<UInt64>, to sink: ReadSink
  ) throws(PluginError) {
    let reader = try reader(of: part)
    try plugin { () throws(ArchiveError) in try reader.read(range, to: PieceSink(sink)) }
  }

  /// The reader of the disk that was read last, or another one.
  private func reader(of part: Appliance.Part) throws(PluginError) -> any DiskReader {
    if let inParts, inParts.stream == part.stream.id { return inParts.reader }
    try requireFile(of: part)
    let reader = try DiskOpening(index).open(part.file, part.disk).reader
    try part.check(reader)
    inParts = (part.stream.id, reader)
    return reader
  }

  private func requireFile(of part: Appliance.Part) throws(PluginError) {
    guard !part.isMissing else {
      throw PluginError(.notFound, "\"\(part.file.name)\" is missing from the archive")
    }
  }

  /// By tables, where there are any: what is damaged then costs its grain.
  private func salvage(_ part: Appliance.Part, to sink: ReadSink) throws(PluginError) {
    let reader: any DiskReader
    do throws(PluginError) {
      reader = try DiskOpening(index).open(part.file, part.disk).reader
    } catch {
      guard part.goesForward, let member = index[part.file.name] else { throw error }
      _ = try part.deliver(index.window(member), byteCount: member.byteCount, to: sink)
      return
    }
    try part.check(reader)
    try plugin { () throws(ArchiveError) in try reader.read(to: PieceSink(sink)) }
    if !sink.hasDamage { for name in part.members { try members.check(name) } }
  }

  func complete() throws(PluginError) {
    guard isVerified else { return }
    for name in index.names.all { try members.check(name) }
    try plugin { () throws(ArchiveError) in try walk.drain() }
  }

  private func settle(_ part: Appliance.Part, _ digests: StreamDigests) throws(PluginError) {
    try part.checkCopy(digests)
    try receipt?.check(part.stream.name, digests)
  }
}
