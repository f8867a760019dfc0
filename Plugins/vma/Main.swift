import WriterKit

/// The writer and reader of the format `vma`: see README.md beside this file.
@main struct Main {
  static func main() {
    Plugin(
      manifest: PackageResources.vma_json, formats: ["vma": (VMAWriter.self, VMAReader.self)]
    ).run()
  }
}
