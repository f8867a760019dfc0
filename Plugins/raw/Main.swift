import WriterKit

/// The writer and reader of the format `raw`: see README.md beside this file.
@main struct Main {
  static func main() {
    Plugin(
      manifest: PackageResources.raw_json, formats: ["raw": (RawWriter.self, RawReader.self)]
    ).run()
  }
}
