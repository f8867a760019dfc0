import ArchiveBytes
import ArchiveFiles
import WriterKit

/// The members of an archive and what its manifest says of them, each held against it once.
final class CheckedMembers {
  let index: MemberIndex
  let manifest: ApplianceManifest
  private let work: LongWork
  /// Members that are what their lines say.
  private var checked: Set<String> = []

  init(_ index: MemberIndex, _ host: Host) throws(PluginError) {
    self.index = index
    work = LongWork(host)
    guard let name = index.names.manifest else {
      manifest = ApplianceManifest()
      return
    }
    manifest = try ApplianceManifest(
      parsing: index.content(name, atMost: ApplianceManifest.byteCountMax))
  }

  /// Reads a member and holds it against its line, if it has one and nobody did so before.
  func check(_ name: String) throws(PluginError) {
    guard let line = manifest.lines[name], !checked.contains(name) else { return }
    guard let member = index[name] else { throw missingMember(name) }
    let source = MemberSource(index.window(member), byteCount: member.byteCount, line.algorithm)
    source.onPassing = { [work] in work.heed($0, "hashing \(name)") }
    let digest = try plugin { () throws(ArchiveError) in try source.finish() }
    try settle(name, digest)
  }

  /// A member as it goes by, to be hashed as its line wants it.
  func source(_ member: MemberIndex.Member) -> MemberSource {
    MemberSource(
      index.window(member), byteCount: member.byteCount,
      manifest.lines[member.name]?.algorithm ?? .sha256)
  }

  /// The digest of a member is known.
  func settle(_ name: String, _ digest: [UInt8]) throws(PluginError) {
    if let line = manifest.lines[name], line.digest != digest { throw damagedMember(name) }
    checked.insert(name)
  }
}
