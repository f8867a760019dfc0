internal import BackupProtocol
internal import Glibc
internal import JobSupport
internal import PluginHost
internal import Requests
internal import System

/// What the receipt of an archive tells of the plugin that made it: all there is to go by where
/// that plugin is missing.
struct ArchiveMaker {
  private let find: () throws(JobError) -> Receipt?
  private let shown: String
  private let surroundings: Surroundings

  /// The maker of a file or directory.
  init(
    _ wanted: ArchiveRequest, _ kind: Job.OutputKind, _ raw: Int32, _ surroundings: Surroundings
  ) {
    find = { () throws(JobError) in try Self.receipt(wanted, kind, raw) }
    shown = wanted.path
    self.surroundings = surroundings
  }

  /// The maker of what comes through standard input.
  init(_ receipt: Receipt?, _ shown: String, _ surroundings: Surroundings) {
    find = { () throws(JobError) in receipt }
    self.shown = shown
    self.surroundings = surroundings
  }

  /// The format that the user names.
  func chosen(_ format: String) throws(JobError) -> ChosenFormat {
    do throws(JobError) { return try surroundings.format(format) } catch {
      guard let missing = try missing(), error.status == .unavailable else { throw error }
      throw missing
    }
  }

  /// Why an archive cannot be read whose receipt names a format that no plugin has; `nil` if it has
  /// no receipt, or one of a format that is known.
  func missing() throws(JobError) -> JobError? {
    guard let receipt = try find() else { return nil }
    do throws(JobError) { _ = try surroundings.catalog.chosen(format: receipt.format) } catch {
      let maker = receipt.maker
      return JobError(
        .unavailable, cannot: "open \(shown)",
        "by its receipt it is of the format \"\(receipt.format)\", made by \(maker); \(error)",
        hint: surroundings.catalog.faults(format: receipt.format).first?.remedy
          ?? .installPlugin(maker))
    }
    return nil
  }

  private static func receipt(
    _ wanted: ArchiveRequest, _ kind: Job.OutputKind, _ raw: Int32
  ) throws(JobError) -> Receipt? {
    if let named = wanted.receipt { return try ReceiptFile(named: named).require() }
    if let beside = try ReceiptFile(besideArchive: wanted.path).read() { return beside }
    return kind == .directory ? inside(raw, wanted.path) : nil
  }

  /// Files of a directory that are looked into, at most.
  private static let lookedIntoMax = 64

  /// A receipt in a directory: which file it is, only the missing plugin's manifest says.
  private static func inside(_ directory: Int32, _ path: String) -> Receipt? {
    let names = ((try? listNames(in: directory)) ?? []).map(\.text)
      .filter { $0.hasSuffix(".json") }.sorted()
    for name in names.prefix(lookedIntoMax) {
      if let receipt = try? ReceiptFile(name, inside: directory, of: path).read() {
        return receipt
      }
    }
    return nil
  }
}

extension Receipt {
  /// The plugin that made the archive, in words.
  fileprivate var maker: String {
    guard let plugin else {
      let tools = tools.filter { !$0.hasPrefix("sluice ") }.map(cleaned)
      return tools.isEmpty ? "an unknown plugin" : tools.joined(separator: " and ")
    }
    let vendor = plugin.vendor.isEmpty ? "" : " of \(cleaned(plugin.vendor))"
    return "plugin \"\(cleaned(plugin.name))\" \(cleaned(plugin.version))\(vendor)"
  }
}
