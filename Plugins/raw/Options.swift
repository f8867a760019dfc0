import RawFormat
import WriterKit

/// The options of raw.json.
struct Options {
  /// List disks in SHA256SUMS.
  let listsDisks: Bool
  let direct: OutputFile.Direct

  init(_ options: JobOptions) {
    listsDisks = options.flag("sha256sums")
    direct = options.choice("direct") ?? .auto
  }
}
