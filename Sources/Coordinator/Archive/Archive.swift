package import BackupProtocol
internal import Glibc
package import JobSupport
internal import PluginHost
package import Requests
package import System

/// An existing archive: which plugin reads it, and what its receipt says.
package struct Archive: Sendable {
  /// Names standard input; `./-` is a file.
  static let standardInput = "-"

  package let path: String
  let chosen: ChosenFormat
  package let kind: Job.OutputKind
  /// What the host saw when it was made; `nil` for archives of other programs.
  package let receipt: Receipt?
  /// The file or directory that was inspected, held open; `nil` for a pipe.
  let held: HeldArchive?

  /// Finds an archive without running a plugin.
  ///
  /// - Parameters:
  ///   - wanted: Which archive, and what the user says of it.
  /// - Throws: `JobError` if it is not found or not recognised, or its receipt cannot be read.
  package static func find(
    _ wanted: ArchiveRequest, _ surroundings: Surroundings, stop: StopSignal
  ) throws(JobError) -> Archive {
    let archive =
      wanted.path == standardInput
      ? try Archive(standardInput: wanted, surroundings, stop)
      : try Archive(file: wanted, surroundings)
    if wanted.requiresReceipt { try archive.requireReceipt() }
    return archive
  }

  private init(file wanted: ArchiveRequest, _ surroundings: Surroundings) throws(JobError) {
    let path = wanted.path
    let opening = "open \(path)"
    let opened = try attempt(opening) { () throws(SystemCallError) in
      try openFile(path, flags: O_RDONLY | O_NONBLOCK)
    }
    let raw = opened.raw
    let status = try attempt(opening) { () throws(SystemCallError) in
      try FileStatus(descriptor: raw, subject: path)
    }
    self.path = path
    switch status.kind {
    case .directory: kind = .directory
    case .regular: kind = .file
    default:
      throw JobError(.noInput, cannot: opening, "neither a file nor a directory")
    }
    let maker = ArchiveMaker(wanted, kind, raw, surroundings)
    if let format = wanted.format {
      chosen = try maker.chosen(format)
    } else {
      chosen = try Self.detect(path, kind, raw, surroundings, maker)
    }
    receipt = try Self.receipt(wanted, kind, raw, chosen)
    held = HeldArchive(opened, status)
  }

  /// Opens the archive for the plugin: the file that was inspected, even if its path now names
  /// another.
  func open() throws(SystemCallError) -> OwnedDescriptor {
    guard let held, path != Self.standardInput else { return try StandardStream.readingEnd() }
    return try held.openAgain(isDirectory: kind == .directory)
  }

  /// Of the file or directory; `nil` for a pipe.
  package var status: FileStatus? { held?.status }

  private static func detect(
    _ path: String, _ kind: Job.OutputKind, _ raw: Int32, _ surroundings: Surroundings,
    _ maker: ArchiveMaker
  ) throws(JobError) -> ChosenFormat {
    var failure: JobError?
    for plugin in surroundings.catalog.plugins {
      for format in plugin.manifest.formats where format.outputs.contains(kind) {
        do throws(JobError) {
          let isIt =
            kind == .directory
            ? try hasReceipt(of: format, in: raw, path)
            : hasMagic(format, raw) || hasSuffix(format, path)
          if isIt { return try surroundings.chosen(format, of: plugin) }
        } catch {
          // Another format may know better what this file is.
          failure = failure ?? error
        }
      }
    }
    // Its receipt knows better than a plugin that does not know it.
    if let missing = try maker.missing() { throw missing }
    if let failure { throw failure }
    let file =
      kind == .directory
      ? UnknownFile(name: path, directory: raw, surroundings)
      : UnknownFile(name: path, head: head(of: raw), surroundings)
    throw file.error
  }

  /// The first bytes of a file, as far as there are any.
  private static func head(of raw: Int32) -> [UInt8] {
    for count in [UnknownFile.headBytes, 4] {
      if let bytes = try? readBytes(raw, at: 0, count: count), !bytes.isEmpty { return bytes }
    }
    return []
  }

  private static func hasReceipt(
    of format: ManifestFormat, in directory: Int32, _ path: String
  ) throws(JobError) -> Bool {
    guard let name = format.receipt else { return false }
    return try ReceiptFile(name, inside: directory, of: path).read()?.format == format.name
  }

  static func hasMagic(_ format: ManifestFormat, _ raw: Int32) -> Bool {
    format.magic.contains { magic in
      (try? readBytes(raw, at: Int64(magic.offset), count: magic.bytes.count)) == magic.bytes
    }
  }

  private static func hasSuffix(_ format: ManifestFormat, _ path: String) -> Bool {
    format.extensions.contains { path.hasSuffix("." + $0) }
  }
}
