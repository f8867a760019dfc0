import VMAFormat
import WriterKit

/// The kit's sink, as the format wants it.
final class PieceSink: ClusterSink {
  private let sink: ReadSink

  init(_ sink: ReadSink) { self.sink = sink }

  var pieceBytesMax: Int { sink.pieceBytesMax }

  func zeros(_ count: UInt64) throws(ArchiveError) {
    do { try sink.zeros(count) } catch { throw ArchiveError(error) }
  }

  func data(
    _ count: Int, masks: Span<UInt16>,
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
