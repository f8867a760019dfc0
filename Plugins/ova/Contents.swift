import RawFormat
import WriterKit

/// What an archive of ours will hold, told in its first header: a comment, which other programs
/// pass over. It is the manifest without digests, which are known at the end only.
struct Contents {
  private static let mark = "sluice "

  let streams: [StreamDescription]
  let machine: Job.Machine
  let instant: Timestamp?
  let comment: String

  init(_ job: Job, _ announced: [StoredStream], tools: [String]) {
    streams = announced.map(\.stream)
    machine = job.vm
    instant = job.instant
    let text = manifestText(job, announced, tools: tools)
    comment = Self.mark + String(decoding: text, as: UTF8.self)
  }

  /// - Returns: `nil` if the comment is somebody else's.
  /// - Throws: E_CORRUPT if it is ours, and damaged.
  init?(comment: String?) throws(PluginError) {
    guard let comment, comment.hasPrefix(Self.mark) else { return nil }
    let text = Array(comment.utf8.dropFirst(Self.mark.utf8.count))
    self.comment = comment
    streams = try ArchiveManifest(parsing: text).streams
    do {
      let receipt = try Receipt(parsing: text)
      (machine, instant) = (receipt.vm, receipt.instant)
    } catch { throw PluginError(.corrupt, "the archive's list of contents is \(error)") }
  }
}
