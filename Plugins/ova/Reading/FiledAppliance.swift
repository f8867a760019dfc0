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

  init(_ file: any RandomSource, _ job: Job, _ host: Host) throws(PluginError) {
    isVerified = job.mode == .verify
    walk = TarWalk(file)
    index = try MemberIndex(walk, file, host)
    guard let name = index.names.descriptor else {
      throw PluginError(
        .corrupt, "not an OVA appliance: the archive has no descriptor (.ovf); try --format tar")
    }
    members = try CheckedMembers(index, host)
    let text = try index.content(name, atMost: Appliance.descriptorBytesMax)
    try members.check(name)
    let descriptor = try Appliance.descriptor(parsing: text)
    guard let backup = descriptor.backup else {
      appliance = try ForeignAppliance(descriptor, name, index, host).appliance
      receipt = nil
      members.manifest.warnOfUnknown(host)
      try checkLines(members.manifest, index.names)
      return
    }
    var appliance = try Appliance(ours: descriptor, backup)
    let receiptText = try index.content(Appliance.receipt, atMost: UInt64(Receipt.byteCountMax))
    try members.check(Appliance.receipt)
    let receipt = try ApplianceReceipt(parsing: receiptText, appliance)
    for place in appliance.parts.indices {
      appliance.parts[place].stream.digest = receipt.digest(of: appliance.parts[place].stream.name)
    }
    (self.appliance, self.receipt) = (appliance, receipt)
    try checkOurs(members.manifest, index.names)
  }

  var hasLineForEveryMember: Bool {
    index.names.listed.allSatisfy { members.manifest.lines[$0] != nil }
  }

  func deliver(_ part: Appliance.Part, to sink: ReadSink) throws(PluginError) {
    if appliance.isOurs, part.goesForward, let member = index[part.file.name] {
      let source = members.source(member)
      let digests = try part.deliver(source, byteCount: member.byteCount, to: sink)
      let digest = try plugin { () throws(ArchiveError) in try source.finish() }
      try members.settle(member.name, digest)
      try settle(part, digests)
      return
    }
    for name in part.members { try members.check(name) }
    let reader = try DiskOpening(index).open(part.file, part.disk).reader
    if appliance.isOurs {
      try settle(part, part.deliver(reader, to: sink))
    } else {
      try part.check(reader)
      try plugin { () throws(ArchiveError) in try reader.read(to: PieceSink(sink)) }
    }
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
