/// A disk the caller wants to read.
package struct ImageRequest: Sendable {
  /// The disk's name in the archive, e.g. `drive-scsi0`.
  package let name: String
  package let path: String
  /// What the caller says it is; `nil` lets the suffix decide.
  package let format: ImageFormat?
  /// Directories, besides the image's own, in which backing and data files may lie.
  package let allowBacking: [String]

  package init(name: String, path: String, format: ImageFormat?, allowBacking: [String]) {
    self.name = name
    self.path = path
    self.format = format
    self.allowBacking = allowBacking
  }
}

/// One level of an image: the overlay first, then what it stands on.
package struct ChainLink: Equatable, Sendable {
  /// Absolute, without symbolic links.
  package let path: String
  package let format: ImageFormat
  /// Whether `path` is a block device rather than a file.
  package let isDevice: Bool
  /// Where a qcow2 image keeps its clusters, if not in itself.
  package let dataFile: String?
  /// Other files of a vmdk image; QEMU opens them by their names.
  package let extents: [String]

  /// Every regular file this level needs.
  var files: [String] { (isDevice ? [] : [path]) + (dataFile.map { [$0] } ?? []) + extents }
  /// Every block device it needs.
  var devices: [String] { isDevice ? [path] : [] }
}

/// An image whose every file has been looked at and allowed.
package struct InspectedImage: Sendable {
  package let name: String
  /// Of the top level: absolute, without symbolic links.
  package let path: String
  package let format: ImageFormat
  /// Bytes of the stream, exact: a raw file's length need not be a multiple of 512.
  package let size: UInt64
  /// Top level first; never empty.
  package let chain: [ChainLink]
}
