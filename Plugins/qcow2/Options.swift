import DiskFormats
import WriterKit

/// The options of qcow2.json.
struct Options {
  private enum Compress: String { case none, zstd, zlib }

  /// How clusters are compressed; `nil` leaves them as they are.
  let method: QCOW2Codec.Method?

  init(_ options: JobOptions) {
    method =
      switch options.choice("compress", as: Compress.self) {
      case .zstd: .zstd
      case .zlib: .zlib
      case .some(.none), nil: nil
      }
  }
}
