package import Sandbox
internal import System

/// Looks at an image and everything it stands on, and refuses what may not be read.
///
/// Level by level: each is looked at by `qemu-img info` in a sandbox that holds this level alone,
/// and the names found are allowed or refused here before anything opens them.
/// Files must not be exchanged by somebody else between the look and the end of the job: their
/// directories are trusted, their content is not.
package enum ImageInspector {
  /// Levels of one image. QEMU opens each in turn; nobody sane has more than a dozen.
  static let levelsMax = 32

  /// - Parameter launcher: Path of `sluice-launcher`.
  /// - Throws: What is wrong with which file, and what to do about it. Nothing is left running.
  package static func inspect(
    _ request: ImageRequest, launcher: String, mode: SandboxMode
  ) throws(SourceError) -> InspectedImage {
    guard let path = FileLocator.resolved(request.path) else {
      throw unresolved(request.path)
    }
    let format = try topFormat(request, path: path)
    let locator = try FileLocator(imagePath: path, allowBacking: request.allowBacking)
    var walk = ChainWalk(locator: locator, tool: ImageTool(launcher: launcher, mode: mode))
    try walk.walk(path, format)
    return InspectedImage(
      name: request.name, path: path, format: format, size: walk.topBytes, chain: walk.links)
  }

  /// Why a path leads nowhere; a link that dangles counts as missing.
  private static func unresolved(_ path: String) -> SourceError {
    do { _ = try FileStatus(path: path) } catch { return ImageFile.fault(error, path) }
    return .missing(path: path)
  }

  /// What the caller says; else what the suffix says and the content confirms; a device is raw.
  private static func topFormat(
    _ request: ImageRequest, path: String
  ) throws(SourceError) -> ImageFormat {
    if let format = request.format { return format }
    let file = try ImageFile(path: path)
    if let format = ImageFormat(suffixOf: request.path) {
      if format == .raw { return format }
      let looksLike = try file.apparentFormat()
      if looksLike == format { return format }
      throw .formatMismatch(path: path, said: format, looksLike: looksLike)
    }
    if file.isDevice { return .raw }
    throw .formatUnknown(path: path, looksLike: try file.apparentFormat())
  }
}

/// The walk down a chain of backing files.
struct ChainWalk {
  private struct Identity: Hashable {
    let device, inode: UInt64
  }

  let locator: FileLocator
  let tool: ImageTool
  private(set) var links: [ChainLink] = []
  /// Bytes of the top level's stream.
  private(set) var topBytes: UInt64 = 0
  private var seen: Set<Identity> = []

  init(locator: FileLocator, tool: ImageTool) {
    self.locator = locator
    self.tool = tool
  }

  mutating func walk(_ path: String, _ format: ImageFormat) throws(SourceError) {
    var next: (path: String, format: ImageFormat)? = (path, format)
    while let level = next {
      guard links.count < ImageInspector.levelsMax else {
        throw .chainTooDeep(path: path, limit: ImageInspector.levelsMax)
      }
      next = try look(level.path, level.format)
    }
  }

  /// Looks at one level and returns the next.
  private mutating func look(
    _ path: String, _ format: ImageFormat
  ) throws(SourceError) -> (path: String, format: ImageFormat)? {
    let file = try ImageFile(path: path)
    let identity = Identity(device: file.status.device, inode: file.status.inode)
    guard seen.insert(identity).inserted else { throw .chainLoop(path: path) }
    try file.checkUnused()
    let extents = try LevelCheck.extents(of: file, format, locator)
    if format == .raw {
      add(file.isDevice, path, format, dataFile: nil, [], bytes: try file.byteCount)
      return nil
    }
    try LevelCheck.checkContent(file, format)
    let facts = try tool.facts(of: file, format: format, extents: extents)
    if facts.isEncrypted {
      throw .unsupported(path: path, what: "is encrypted, which cannot be read yet")
    }
    let dataFile = try dataFile(facts, path)
    add(file.isDevice, path, format, dataFile: dataFile, extents, bytes: facts.virtualBytes)
    return try backing(facts, path)
  }

  private mutating func add(
    _ isDevice: Bool, _ path: String, _ format: ImageFormat, dataFile: String?,
    _ extents: [String], bytes: UInt64
  ) {
    if links.isEmpty { topBytes = bytes }
    links.append(
      ChainLink(
        path: path, format: format, isDevice: isDevice, dataFile: dataFile, extents: extents))
  }

  private func dataFile(_ facts: ImageFacts, _ path: String) throws(SourceError) -> String? {
    guard let name = facts.dataFileName else { return nil }
    let located = try locator.locate(name, in: path)
    let file = try ImageFile(path: located)
    guard !file.isDevice else {
      throw .nameRefused(name: name, image: path, why: .notAPlainFile)
    }
    try file.checkUnused()
    return located
  }

  private func backing(
    _ facts: ImageFacts, _ path: String
  ) throws(SourceError) -> (path: String, format: ImageFormat)? {
    guard let name = facts.backingName else { return nil }
    let located = try locator.locate(name, in: path)
    guard let recorded = facts.backingFormat else {
      throw .backingFormatMissing(backing: name, image: path)
    }
    guard let format = ImageFormat(rawValue: recorded) else {
      throw .unsupported(path: path, what: "has a backing file of the unknown format \(recorded)")
    }
    return (located, format)
  }
}
