import WriterKit

/// The writer and reader of appliances and tar archives: see README.md beside this file.
@main struct Main {
  static func main() {
    Plugin(
      manifest: PackageResources.ova_json,
      formats: [
        "ova": (OVAWriter.self, OVAReader.self), "tar": (TarWriter.self, TarReader.self),
      ]
    ).run()
  }
}
