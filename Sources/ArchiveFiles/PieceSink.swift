package import ArchiveBytes
package import WriterKit

/// The kit's sink, as the format wants it.
package final class PieceSink: ClusterSink {
  private let sink: ReadSink

  package init(_ sink: ReadSink) { self.sink = sink }

  package var pieceBytesMax: Int { sink.pieceBytesMax }

  package func zeros(_ count: UInt64, _ kind: Extent.Kind) throws(ArchiveError) {
    do throws(PluginError) {
      try kind == .unchanged ? sink.unchanged(count) : sink.zeros(count, kind)
    } catch { throw ArchiveError(error) }
  }

  package func damaged(_ count: UInt64, _ reason: String) throws(ArchiveError) {
    do { try sink.damaged(count, reason) } catch { throw ArchiveError(error) }
  }

  package func data(
    _ count: Int, masks: Span<BlockMask>,
    _ fill: (inout MutableRawSpan) throws(ArchiveError) -> Void
  ) throws(ArchiveError) {
    do {
      try sink.data(count, masks: masks) { span throws(PluginError) in
        do throws(ArchiveError) { try fill(&span) } catch {
          throw PluginError(error.code, error.message, errno: error.errno)
        }
      }
    } catch { throw ArchiveError(error) }
  }
}
