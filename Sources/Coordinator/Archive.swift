internal import BackupProtocol
internal import Glibc
internal import PluginHost
internal import Pump
internal import System

/// An archive that was found: which plugin reads it, and what its receipt says.
struct Archive {
  /// What stands for standard input; `./-` is a file.
  static let standardInput = "-"

  let path: String
  let chosen: ChosenFormat
  let kind: Job.OutputKind
  /// What the host saw when it was made; `nil` for archives of other programs.
  let receipt: Receipt?

  /// Looks at an archive without running anything.
  ///
  /// - Parameters:
  ///   - path: `-` is standard input.
  ///   - format: The format's name; `nil` lets receipt, magic and suffix decide.
  /// - Throws: `JobError` when there is none, or nobody knows it.
  static func find(
    _ path: String, format: String?, _ surroundings: Surroundings, stop: StopSignal
  ) throws(JobError) -> Archive {
    if path == standardInput {
      return try Archive(standardInput: format, surroundings, stop)
    }
    return try Archive(path: path, format: format, surroundings)
  }

  private init(path: String, format: String?, _ surroundings: Surroundings) throws(JobError) {
    let opening = "opening \(path)"
    let opened = try doing(opening) { () throws(SystemCallError) in
      try openFile(path, flags: O_RDONLY | O_NONBLOCK)
    }
    let raw = opened.raw
    let status = try doing(opening) { () throws(SystemCallError) in
      try FileStatus(descriptor: raw, subject: path)
    }
    self.path = path
    switch status.kind {
    case .directory: kind = .directory
    case .regular: kind = .file
    default:
      throw JobError(.noInput, doing: opening, "it is neither a file nor a directory")
    }
    if let format {
      chosen = try surroundings.format(format)
    } else {
      chosen = try Self.detect(path, kind, raw, surroundings)
    }
    receipt = try Self.receipt(path, kind, raw, chosen)
  }

  /// Opens the archive for the plugin.
  func open() throws(SystemCallError) -> OwnedDescriptor {
    if path == Self.standardInput { return try StandardStream.readingEnd() }
    return try openFile(path, flags: kind == .directory ? O_RDONLY | O_DIRECTORY : O_RDONLY)
  }

  private static func detect(
    _ path: String, _ kind: Job.OutputKind, _ raw: Int32, _ surroundings: Surroundings
  ) throws(JobError) -> ChosenFormat {
    for plugin in surroundings.catalog.plugins {
      for format in plugin.manifest.formats where format.outputs.contains(kind) {
        let isIt =
          kind == .directory
          ? isReceipt(of: format, in: raw) : hasMagic(format, raw) || hasSuffix(format, path)
        if isIt { return ChosenFormat(plugin: plugin, format: format) }
      }
    }
    throw unknown(path)
  }

  static func unknown(_ name: String) -> JobError {
    JobError(
      .badData, doing: "opening \(name)", "no installed plugin knows this archive",
      hint: "name its format with --format")
  }

  private static func isReceipt(of format: ManifestFormat, in directory: Int32) -> Bool {
    guard let name = format.receipt, let bytes = readReceipt(name, in: directory) else {
      return false
    }
    return (try? Receipt(parsing: bytes))?.format == format.name
  }

  static func hasMagic(_ format: ManifestFormat, _ raw: Int32) -> Bool {
    format.magic.contains { magic in
      (try? readBytes(raw, at: Int64(magic.offset), count: magic.bytes.count)) == magic.bytes
    }
  }

  private static func hasSuffix(_ format: ManifestFormat, _ path: String) -> Bool {
    format.extensions.contains { path.hasSuffix("." + $0) }
  }

  private static func receipt(
    _ path: String, _ kind: Job.OutputKind, _ raw: Int32, _ chosen: ChosenFormat
  ) throws(JobError) -> Receipt? {
    let bytes: [UInt8]?
    if kind == .directory, let name = chosen.format.receipt {
      bytes = readReceipt(name, in: raw)
    } else {
      bytes = readReceipt(path + ".sluice.json", in: currentDirectory)
    }
    guard let bytes else { return nil }
    do throws(ManifestError) { return try Receipt(parsing: bytes) } catch {
      throw JobError(.badData, doing: "reading the receipt of \(path)", "\(error)")
    }
  }

  private static func readReceipt(_ name: String, in directory: Int32) -> [UInt8]? {
    try? readSmallFile(
      name, in: directory, limit: Receipt.byteCountMax, flags: O_NOFOLLOW | O_NONBLOCK)
  }
}
