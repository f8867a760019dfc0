import ArchiveBytes
import ArchiveFiles
import TarFormat
import WriterKit

/// The members of an uncompressed file of which parts were wanted.
///
/// It has walks of its own: that which delivers whole streams stays where it is.
final class MemberShelf {
  /// Extents of all members that are kept: 96 MiB.
  private static let extentsMax = 2 * SparseMap.extentsMax

  private let descriptor: Int32
  private let work: LongWork
  private let source: FileSource
  private var kept: [String: MemberRanges] = [:]

  init(_ descriptor: Int32, _ work: LongWork) throws(PluginError) {
    (self.descriptor, self.work) = (descriptor, work)
    source = try FileSource(descriptor)
  }

  /// The file that comes first under a name; looked for from the start, once.
  ///
  /// - Returns: `nil` if there is none.
  func member(_ file: String) throws(PluginError) -> MemberRanges? {
    if let there = kept[file] { return there }
    guard let member = try find(file) else { return nil }
    let ranges = MemberRanges(member)
    if kept.values.reduce(ranges.extentCount, { $0 + $1.extentCount }) > Self.extentsMax {
      kept = [:]
    }
    kept[file] = ranges
    return ranges
  }

  /// Puts a part of a member into a sink.
  func deliver(
    _ member: MemberRanges, _ range: Range<UInt64>, to sink: any ClusterSink
  ) throws(PluginError) {
    try plugin { () throws(ArchiveError) in try member.deliver(range, from: source, to: sink) }
  }

  private func find(_ file: String) throws(PluginError) -> TarMember? {
    let walk = TarWalk(try FileSource(descriptor))
    walk.onPassing = { [work] in work.heed($0, "scanning the archive") }
    while let member = try plugin({ () throws(ArchiveError) in try walk.next() }) {
      if member.kind == .file, try fileName(ofMember: member.name) == file { return member }
    }
    return nil
  }
}
