import ArchiveBytes
import ArchiveFiles
import DiskFormats
import TarFormat
import WriterKit

/// Where the members of an archive are that has bytes at any place.
struct MemberIndex {
  struct Member {
    let name: String
    let offset: UInt64
    let byteCount: UInt64
  }

  let names: MemberNames
  private let members: [String: Member]
  private let source: any RandomSource

  /// Goes through the archive once, from header to header.
  ///
  /// - Parameter salvages: Is content with the members before what is damaged.
  init(
    _ walk: TarWalk, _ source: any RandomSource, _ host: Host, salvages: Bool = false
  ) throws(PluginError) {
    self.source = source
    var names = MemberNames(host)
    var members: [String: Member] = [:]
    while let member = try Self.next(walk, salvages) {
      guard let name = try names.add(member) else { continue }
      members[name] = Member(
        name: name, offset: member.dataOffset, byteCount: member.byteCount)
    }
    (self.names, self.members) = (names, members)
  }

  private static func next(_ walk: TarWalk, _ salvages: Bool) throws(PluginError) -> TarMember? {
    do throws(PluginError) {
      return try plugin { () throws(ArchiveError) in try walk.next() }
    } catch {
      guard salvages, error.code == .corrupt else { throw error }
      return nil
    }
  }

  subscript(name: String) -> Member? { members[name] }

  /// The bytes of a member.
  func window(_ member: Member) -> SourceWindow {
    SourceWindow(source, start: member.offset, byteCount: member.byteCount)
  }

  /// The whole of a small member.
  func content(_ name: String, atMost most: UInt64) throws(PluginError) -> [UInt8] {
    guard let member = self[name] else { throw missingMember(name) }
    guard member.byteCount <= most else { throw tooLong(name, member.byteCount) }
    let source = MemberSource(window(member), byteCount: member.byteCount, .sha256)
    return try plugin { () throws(ArchiveError) in try source.content() }
  }
}
