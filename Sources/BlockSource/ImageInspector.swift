internal import Requests
package import Sandbox
internal import System

/// Inspects an image and its backing chain, and rejects files that must not be read.
///
/// Level by level: each is looked at by `qemu-img info` in a sandbox that holds this level alone,
/// and the names found are allowed or refused here before anything opens them. What was looked at
/// stays open, and is what is read: who exchanges a file meanwhile changes nothing.
package enum ImageInspector {
  /// Levels of one image. QEMU opens each in turn; nobody sane has more than a dozen.
  static let levelsMax = 32

  /// - Parameter launcher: Path of `sluice-launcher`.
  /// - Throws: What is wrong with which file, and what to do about it. Nothing is left running.
  package static func inspect(
    _ request: ImageRequest, launcher: String, mode: SandboxMode
  ) throws(SourceError) -> InspectedImage {
    let place: FilePlace
    do { place = try FilePlace(path: request.path) } catch {
      throw ImageFile.fault(error, request.path)
    }
    let file = try ImageFile(place, followsLink: true)
    let format = try topFormat(request, file)
    var warnings = [file.otherUse()].compactMap(\.self)
    if request.format == nil && format == .raw && !file.isDevice {
      warnings += try LevelCheck.warnings(ofRaw: file)
    }
    let locator = try FileLocator(place, file, allowBacking: request.allowBacking)
    var walk = ChainWalk(locator: locator, tool: ImageTool(launcher: launcher, mode: mode))
    try walk.walk(place, file, format)
    return InspectedImage(
      name: request.name, format: format, size: walk.topBytes, chain: walk.links,
      warnings: warnings + walk.warnings)
  }

  /// What the caller says; else what the suffix says and the content confirms; a device is raw.
  private static func topFormat(
    _ request: ImageRequest, _ file: ImageFile
  ) throws(SourceError) -> ImageFormat {
    if let format = request.format { return format }
    if let format = ImageFormat(suffixOf: request.path) {
      if format == .raw { return format }
      let looksLike = try file.apparentFormat()
      if looksLike == format { return format }
      throw .formatMismatch(path: file.path, said: format, looksLike: looksLike)
    }
    if file.isDevice { return .raw }
    throw .formatUnknown(path: file.path, looksLike: try file.apparentFormat())
  }
}

/// The walk down a chain of backing files.
struct ChainWalk {
  private struct Level {
    let place: FilePlace
    let file: ImageFile
    let format: ImageFormat
  }

  let locator: FileLocator
  let tool: ImageTool
  private(set) var links: [ChainLink] = []
  /// Bytes of the top level's stream.
  private(set) var topBytes: UInt64 = 0
  private(set) var warnings: [ImageWarning] = []
  private var seen: Set<HeldDirectory.Identity> = []

  init(locator: FileLocator, tool: ImageTool) {
    self.locator = locator
    self.tool = tool
  }

  mutating func walk(
    _ place: FilePlace, _ file: ImageFile, _ format: ImageFormat
  ) throws(SourceError) {
    var next: Level? = Level(place: place, file: file, format: format)
    while let level = next {
      guard links.count < ImageInspector.levelsMax else {
        throw .chainTooDeep(path: place.path, limit: ImageInspector.levelsMax)
      }
      next = try look(level)
    }
  }

  /// Looks at one level and returns the next.
  private mutating func look(_ level: Level) throws(SourceError) -> Level? {
    let (file, format) = (level.file, level.format)
    guard seen.insert(file.identity).inserted else { throw .chainLoop(path: file.path) }
    try file.checkUnused()
    let extents = try LevelCheck.extents(of: file, at: level.place, format, locator)
    if format == .raw {
      add(file, format, dataFile: nil, [], bytes: try file.byteCount)
      return nil
    }
    try LevelCheck.checkContent(file, format)
    let facts = try tool.facts(of: file, format: format, extents: extents)
    if facts.isEncrypted {
      throw .unsupported(path: file.path, what: "is encrypted, which is not supported")
    }
    if facts.isCorrupt { warnings.append(.markedCorrupt(path: file.path)) }
    warnings += try LevelCheck.warnings(of: file, format)
    let dataFile = try dataFile(facts, level.place)
    add(file, format, dataFile: dataFile, extents, bytes: facts.virtualBytes)
    return try backing(facts, level.place)
  }

  private mutating func add(
    _ file: ImageFile, _ format: ImageFormat, dataFile: ImageFile?, _ extents: [ImageFile],
    bytes: UInt64
  ) {
    if links.isEmpty { topBytes = bytes }
    links.append(ChainLink(file: file, format: format, dataFile: dataFile, extents: extents))
  }

  private func dataFile(_ facts: ImageFacts, _ image: FilePlace) throws(SourceError) -> ImageFile? {
    guard let name = facts.dataFileName else { return nil }
    let file = try ImageFile(try locator.locate(name, in: image))
    guard !file.isDevice else {
      throw .nameRefused(name: name, image: image.path, why: .notAPlainFile)
    }
    try file.checkUnused()
    return file
  }

  private func backing(_ facts: ImageFacts, _ image: FilePlace) throws(SourceError) -> Level? {
    guard let name = facts.backingName else { return nil }
    let place = try locator.locate(name, in: image)
    guard let recorded = facts.backingFormat else {
      throw .backingFormatMissing(backing: name, image: image.path)
    }
    guard let format = ImageFormat(rawValue: recorded) else {
      throw .unsupported(
        path: image.path, what: "has a backing file of unknown format \(recorded)")
    }
    return Level(place: place, file: try ImageFile(place), format: format)
  }
}
