import WriterKit

/// The writer and reader of tar archives: see README.md beside this file.
@main struct Main {
  static func main() {
    Plugin(
      manifest: PackageResources.ova_json, writer: TarWriter.self, reader: TarReader.self,
      wantsMap: true
    ).run()
  }
}
