import WriterKit

/// Takes everything and writes nothing: what `sluice plugin bench` holds a plugin against.
final class NullWriter: ArchiveWriter {
  init(job: Job, output: Output, host: Host) throws(PluginError) {}
  func data(_ data: borrowing StreamData) throws(PluginError) {}
  func zero(_ range: Range<UInt64>, _ kind: Extent.Kind) throws(PluginError) {}
  func close(length: UInt64, digest: Digest) throws(PluginError) {}
  func finish() throws(PluginError) -> Finished { Finished(archiveBytes: 0) }
}

@main struct Main {
  /// `sluice` has it from its own source: no file of it is installed.
  private static let manifest = """
    {"manifest": 1, "name": "null", "version": "0.1.0", "executable": "sluice-null-writer",
     "protocol": [1],
     "formats": [{"name": "null", "help": "nothing at all", "extensions": [], "modes": ["write"],
                  "output": ["file"], "streams": ["disk", "config", "vmstate"]}]}
    """

  static func main() {
    Plugin(manifest: Array(manifest.utf8), formats: ["null": (NullWriter.self, nil)]).run()
  }
}
