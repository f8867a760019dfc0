package import Requests
internal import Sandbox

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
package struct ChainLink: Sendable {
  let file: ImageFile
  package let format: ImageFormat
  /// Where a qcow2 image keeps its clusters, if not in itself.
  let dataFile: ImageFile?
  /// Other files of a vmdk image; QEMU opens them by their names.
  let extents: [ImageFile]

  /// Whether this is a block device rather than a file.
  package var isDevice: Bool { file.isDevice }
  /// Every file this level needs.
  var files: [ImageFile] { [file] + (dataFile.map { [$0] } ?? []) + extents }
}

/// An image whose every file has been looked at and allowed, and is open.
package struct InspectedImage: Sendable {
  package let name: String
  package let format: ImageFormat
  /// Bytes of the stream, exact: a raw file's length need not be a multiple of 512.
  package let size: UInt64
  /// Top level first; never empty.
  package let chain: [ChainLink]
  /// What is odd about it, for people.
  package var warnings: [ImageWarning] = []
}

extension [InspectedImage] {
  /// What a program of QEMU's may open: exactly the files of the chains that were looked at, each
  /// once.
  ///
  /// - Throws: `.changed` if one name led to two files while it was looked at.
  func grants() throws(SourceError) -> [PathRule] {
    var files: [String: ImageFile] = [:]
    for file in flatMap(\.chain).flatMap(\.files) {
      let known = files.updateValue(file, forKey: file.path)
      guard known == nil || known?.identity == file.identity else {
        throw .changed(path: file.path)
      }
    }
    return files.values.sorted { $0.path < $1.path }.map(\.grant)
  }
}
