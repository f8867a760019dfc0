import BackupProtocol
import CLinux
import Glibc
import JSON
import ScriptedHost
import SharedPool
import Synchronization
import System
@testable import WriterKit

func kitManifest(needs: [Manifest.Need], streams: String = "") -> [UInt8] {
  let needs = needs.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
  return Array(
    """
    {"manifest": 1, "name": "kit", "version": "1", "executable": "kit", "protocol": [1],
     "needs": [\(needs)], "formats": [{"name": "raw", "modes": ["write"], "output": ["directory"],
     \(streams.isEmpty ? "" : "\"streams\": [\(streams)],")
     "options": [{"name": "level", "type": "integer", "min": 1, "max": 9, "default": 3},
                 {"name": "mode", "type": "choice", "choices": ["fast", "small"]},
                 {"name": "note", "type": "string"}, {"name": "sums", "type": "bool"}]}]}
    """.utf8)
}

/// A session of the kit on a thread of this process, and its host.
final class KitSession {
  let host: ScriptedHost
  private let thread: WorkerThread
  private let status: Status

  private final class Status: Sendable { let code = Atomic<Int32>(-1) }

  init(
    _ writer: any ArchiveWriter.Type, pool: SharedPool?, shape: PoolShape,
    needs: [Manifest.Need] = [], streams: String = ""
  ) throws {
    var toPlugin = try Pipe()
    var fromPlugin = try Pipe()
    let input = toPlugin.takeReadEnd().release()
    let output = fromPlugin.takeWriteEnd().release()
    let memory = pool?.writableDescriptor ?? -1
    let status = Status()
    self.status = status
    nonisolated(unsafe) let type = writer
    host = ScriptedHost(
      toPlugin: toPlugin.takeWriteEnd(), fromPlugin: fromPlugin.takeReadEnd(), pool: pool,
      shape: shape)
    thread = try WorkerThread(name: "kit") {
      let plugin = Plugin(
        manifest: kitManifest(needs: needs, streams: streams), formats: ["raw": (type, nil)])
      let session = Session(plugin, input: input, output: output, pool: memory, target: 1)
      status.code.store(session.run(), ordering: .sequentiallyConsistent)
      _ = clinux_close(input)
      _ = clinux_close(output)
    }
  }

  /// Ends the input and waits for the exit status.
  func end() -> Int32 {
    host.closeInput()
    thread.join()
    return status.code.load(ordering: .sequentiallyConsistent)
  }
}

/// A writer that does nothing; subclasses watch.
class IdleWriter: ArchiveWriter {
  let host: Host
  required init(job: Job, output: Output, host: Host) throws(PluginError) { self.host = host }
  func map(_ stream: StreamDescription, _ extents: [Extent]) throws(PluginError) {}
  func open(_ stream: StreamDescription) throws(PluginError) {}
  func data(_ data: borrowing StreamData) throws(PluginError) {}
  func zero(_ range: Range<UInt64>, _ kind: Extent.Kind) throws(PluginError) {}
  func close(length: UInt64, digest: Digest) throws(PluginError) {}
  func finish() throws(PluginError) -> Finished { Finished() }
  func abort() {}
}
