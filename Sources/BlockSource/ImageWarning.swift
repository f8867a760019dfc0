package import Requests

/// What is odd about an image that can be read all the same: the data may not be what was meant.
package enum ImageWarning: Equatable, Sendable {
  /// Its suffix alone says raw, and it begins like an image of another format.
  case looksLike(path: String, format: ImageFormat, hasBacking: Bool)
  case markedCorrupt(path: String)
  /// Clusters that its tables list lie past its end, and are read as zeros.
  case truncated(path: String, missingBytes: UInt64)
  /// Somebody may write to it while it is read.
  case mounted(path: String, by: String?)
}

extension ImageWarning: CustomStringConvertible {
  package var description: String {
    switch self {
    case .looksLike(let path, let format, let hasBacking):
      "\(path) is read as raw because of its name, but looks like \(format.rawValue)"
        + (hasBacking ? " with a backing file" : "")
        + "; specify format=\(format.rawValue) or format=raw"
    case .markedCorrupt(let path):
      "\(path) is marked as corrupt by QEMU; check it with qemu-img check"
    case .truncated(let path, let bytes):
      "\(path) is truncated: \(bytes) bytes listed in its tables are beyond its end and read as "
        + "zeros; check it with qemu-img check"
    case .mounted(let path, let user):
      "\(path) is " + (user.map { "attached to \($0)" } ?? "mounted, or part of another device")
        + ": writes during the backup make the copy inconsistent; back up a snapshot instead"
    }
  }
}
