import ArchiveBytes
import ArchiveFiles
import DiskFormats
import OVFFormat
import TarFormat
import WriterKit

/// An archive of ours whose members go by, each of them once: of a pipe, or compressed.
///
/// The manifest and the receipt come last, and all that was read is held against them then.
final class PassingAppliance: OpenedAppliance {
  let appliance: Appliance
  let receipt: ApplianceReceipt? = nil
  private let host: Host
  private let isVerified: Bool
  private let work: LongWork
  private let walk: TarWalk
  private var names: MemberNames
  /// The member that the walk stands at, whose bytes nobody took.
  private var current: (name: String, byteCount: UInt64)?
  /// Of the members that went by.
  private var hashes: [String: [UInt8]] = [:]
  private var read: [String: StreamDigests] = [:]
  private var receiptText: [UInt8]?
  private var manifestText: [UInt8]?

  /// - Parameter walk: Stands at the archive's start.
  /// - Returns: `nil` for an archive that cannot be read like this; some of its start was.
  init?(_ walk: TarWalk, _ job: Job, _ host: Host) throws(PluginError) {
    (self.walk, self.host) = (walk, host)
    isVerified = job.mode == .verify
    work = LongWork(host)
    names = MemberNames(host)
    guard let first = try Self.first(walk, &names), isDescriptor(first.name),
      first.byteCount <= Appliance.descriptorBytesMax
    else { return nil }
    let source = MemberSource(walk.source, byteCount: first.byteCount, .sha256)
    let text = try plugin { () throws(ArchiveError) in try source.content() }
    let descriptor = try Appliance.descriptor(parsing: text)
    guard let backup = descriptor.backup else { return nil }
    appliance = try Appliance(ours: descriptor, backup)
    guard appliance.goesForward else { return nil }
    hashes[first.name] = try plugin { () throws(ArchiveError) in try source.finish() }
    walk.onPassing = { [unowned self] in work.heed($0, "scanning the archive") }
  }

  /// An archive of ours is refused where it is not so.
  let hasLineForEveryMember = true

  func deliver(_ part: Appliance.Part, to sink: ReadSink) throws(PluginError) {
    let name = part.file.name
    guard let member = try find(name) else {
      throw PluginError(
        .corrupt, "\"\(name)\" is missing from the archive, or out of order; use a file")
    }
    let source = MemberSource(walk.source, byteCount: member.byteCount, .sha256)
    let digests = try part.deliver(source, byteCount: member.byteCount, to: sink)
    hashes[name] = try plugin { () throws(ArchiveError) in try source.finish() }
    try part.checkCopy(digests)
    read[part.stream.name] = digests
  }

  func deliver(
    _ part: Appliance.Part, _ range: Range<UInt64>, to sink: ReadSink
  ) throws(PluginError) {
    throw PluginError(
      .unsupported,
      "of an archive that is compressed, or comes through a pipe, only whole disks can be read")
  }

  func complete() throws(PluginError) {
    while let member = try next() { try pass(member) }
    guard let manifestText, let receiptText else {
      throw PluginError(
        .corrupt, "the manifest (.mf) or \(Appliance.receipt) is missing from the archive")
    }
    let manifest = try ApplianceManifest(parsing: manifestText, of: names.manifest)
    try checkOurs(manifest, names)
    try walk.checkEnd(isOurs: true, host)
    for (name, lines) in manifest.lines {
      // One of ours has no others.
      for line in lines where line.algorithm == .sha256 {
        if let hash = hashes[name], hash != line.digest { throw damagedMember(name) }
      }
    }
    let receipt = try ApplianceReceipt(parsing: receiptText, appliance)
    for (name, digests) in read { try receipt.check(name, digests) }
    if isVerified { try plugin { () throws(ArchiveError) in try walk.drain() } }
  }

  private static func first(
    _ walk: TarWalk, _ names: inout MemberNames
  ) throws(PluginError) -> (name: String, byteCount: UInt64)? {
    while let member = try plugin({ () throws(ArchiveError) in try walk.next() }) {
      if let name = try names.add(member) { return (name, member.byteCount) }
    }
    return nil
  }

  /// Goes on to a member.
  private func find(_ name: String) throws(PluginError) -> (name: String, byteCount: UInt64)? {
    while let member = try next() {
      if member.name == name {
        current = nil
        return member
      }
      try pass(member)
    }
    return nil
  }

  /// The member that comes next and that nobody took; those that are small and ours are kept.
  private func next() throws(PluginError) -> (name: String, byteCount: UInt64)? {
    while current == nil {
      guard let member = try Self.first(walk, &names) else { return nil }
      if member.name == names.manifest {
        manifestText = try content(member, atMost: ApplianceManifest.byteCountMax)
      } else if member.name == Appliance.receipt {
        receiptText = try content(member, atMost: UInt64(Receipt.byteCountMax))
      } else {
        current = member
      }
    }
    return current
  }

  private func content(
    _ member: (name: String, byteCount: UInt64), atMost most: UInt64
  ) throws(PluginError) -> [UInt8] {
    guard member.byteCount <= most else { throw tooLong(member.name, member.byteCount) }
    let source = MemberSource(walk.source, byteCount: member.byteCount, .sha256)
    let bytes = try plugin { () throws(ArchiveError) in try source.content() }
    hashes[member.name] = try plugin { () throws(ArchiveError) in try source.finish() }
    return bytes
  }

  /// Skips a member; `verify` looks at it all the same.
  private func pass(_ member: (name: String, byteCount: UInt64)) throws(PluginError) {
    current = nil
    guard isVerified else { return }
    let source = MemberSource(walk.source, byteCount: member.byteCount, .sha256)
    source.onPassing = { [work] in work.heed($0, "hashing \(member.name)") }
    hashes[member.name] = try plugin { () throws(ArchiveError) in try source.finish() }
  }
}

/// A small file that is not small.
func tooLong(_ name: String, _ byteCount: UInt64) -> PluginError {
  PluginError(.tooLarge, "\"\(name)\" has \(byteCount) bytes: too many")
}
