import WriterKit

/// The writer and reader of the format `qcow2`: see README.md beside this file.
@main struct Main {
  static func main() {
    Plugin(
      manifest: PackageResources.qcow2_json,
      formats: ["qcow2": (QCOW2Writer.self, ImageReader.self)]
    ).run()
  }
}
