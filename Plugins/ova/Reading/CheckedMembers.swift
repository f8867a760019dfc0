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

  /// - Parameter salvages: A manifest that cannot be read says nothing.
  init(_ index: MemberIndex, _ host: Host, salvages: Bool = false) throws(PluginError) {
    self.index = index
    work = LongWork(host)
    guard let name = index.names.manifest else {
      manifest = ApplianceManifest()
      return
    }
    do throws(PluginError) {
      manifest = try ApplianceManifest(
        parsing: index.content(name, atMost: ApplianceManifest.byteCountMax), of: name)
    } catch {
      guard salvages else { throw error }
      manifest = ApplianceManifest()
    }
  }

  /// Reads a member and compares it with its lines, unless that was done before: once for each
  /// line, for few have a second.
  func check(_ name: String) throws(PluginError) {
    guard let lines = manifest.lines[name], !checked.contains(name) else { return }
    guard let member = index[name] else { throw missingMember(name) }
    for line in lines {
      let source = MemberSource(index.window(member), byteCount: member.byteCount, line.algorithm)
      source.onPassing = { [work] in work.heed($0, "hashing \(name)") }
      let digest = try plugin { () throws(ArchiveError) in try source.finish() }
      guard digest == line.digest else { throw damagedMember(name) }
    }
    checked.insert(name)
  }

  /// A member of ours as it goes by.
  func source(_ member: MemberIndex.Member) -> MemberSource {
    MemberSource(index.window(member), byteCount: member.byteCount, .sha256)
  }

  /// The SHA-256 of a member is known, the one digest that a manifest of ours has.
  func settle(_ name: String, sha256 digest: [UInt8]) throws(PluginError) {
    if let lines = manifest.lines[name], lines.contains(where: { $0.digest != digest }) {
      throw damagedMember(name)
    }
    checked.insert(name)
  }
}
