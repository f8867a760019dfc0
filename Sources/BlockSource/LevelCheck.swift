internal import Requests

/// What must hold for one file of a chain before QEMU's parser is let near it.
enum LevelCheck {
  /// Type of a Virtual PC disk that stands on another: QEMU would read it as a whole one.
  private static let differencingVPC: UInt8 = 4

  /// - Throws: `.formatMismatch` if the content is visibly not of `format`.
  static func checkContent(
    _ file: ImageFile, _ format: ImageFormat
  ) throws(SourceError) {
    let looksLike = try file.apparentFormat()
    // Descriptors of vmdk may begin in several ways: there QEMU's parser decides.
    guard looksLike == format || (format == .vmdk && looksLike == nil) else {
      throw .formatMismatch(path: file.path, said: format, looksLike: looksLike)
    }
    if format == .vpc { try checkVPC(file) }
  }

  private static func checkVPC(_ file: ImageFile) throws(SourceError) {
    let size = try file.byteCount
    let head = try file.bytes(at: 0, count: 512)
    let footer =
      head.starts(with: "conectix".utf8) || size < 512
      ? head : try file.bytes(at: size - 512, count: 512)
    if footer.count >= 64, footer[63] == differencingVPC {
      throw .unsupported(
        path: file.path, what: "is a differencing disk, which QEMU cannot read; merge it first")
    }
  }

  /// What a raw image that is called so by its suffix alone looks like otherwise.
  static func warnings(ofRaw file: ImageFile) throws(SourceError) -> [ImageWarning] {
    guard let format = try file.apparentFormat() else { return [] }
    // A qcow2 header tells by its second field where the name of a backing file stands.
    let backing = try file.bytes(at: 8, count: 8).contains { $0 != 0 }
    return [
      .looksLike(path: file.path, format: format, hasBacking: format == .qcow2 && backing)
    ]
  }

  /// Whether a part of the image is missing at its end, where its format tells that cheaply.
  static func warnings(
    of file: ImageFile, _ format: ImageFormat
  ) throws(SourceError) -> [ImageWarning] {
    guard format == .qcow2, let length = QCOW2Length(head: try file.bytes(at: 0, count: 104))
    else { return [] }
    let missing = try length.missingBytes(fileBytes: try file.byteCount) {
      (offset, count) throws(SourceError) in try file.bytes(at: offset, count: count)
    }
    return missing == 0 ? [] : [.truncated(path: file.path, missingBytes: missing)]
  }

  /// The other files of a vmdk image, each allowed and sound.
  static func extents(
    of file: ImageFile, at place: FilePlace, _ format: ImageFormat, _ locator: FileLocator
  ) throws(SourceError) -> [ImageFile] {
    guard format == .vmdk else { return [] }
    switch VMDKHead(try file.bytes(at: 0, count: 20)) {
    case .sparse: return []
    case .empty: throw emptyVMDK(file.path)
    case .descriptor: break
    }
    let text = try file.bytes(at: 0, count: VMDKDescriptor.bytesMax)
    var extents: [ImageFile] = []
    for name in VMDKDescriptor(parsing: text).extentNames {
      let extent = try ImageFile(try locator.locate(name, in: place))
      try checkExtent(extent)
      if !extents.contains(where: { $0.path == extent.path }) { extents.append(extent) }
    }
    return extents
  }

  private static func checkExtent(_ file: ImageFile) throws(SourceError) {
    try file.checkUnused()
    if VMDKHead(try file.bytes(at: 0, count: 20)) == .empty { throw emptyVMDK(file.path) }
  }

  private static func emptyVMDK(_ path: String) -> SourceError {
    .unsupported(path: path, what: "is a vmdk disk without a valid size")
  }
}
