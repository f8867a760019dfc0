import Testing

/// Options of the command line are named by the command line alone: below it there are kinds of
/// remedies, which it words (`Sources/sluice/OptionWords.swift`).
@Suite struct OptionTests {
  /// Options that modules below give to other programs, or advise to.
  private static let foreign: Set = [
    "--blockdev", "--export", "--long", "--nbd-server", "--output", "--no-remove", "--reinstall",
    "--remove",
  ]

  /// A sentence below the command line that names an option of it, and why it stays.
  struct Exception: CustomTestStringConvertible {
    let file: String
    let options: Set<String>
    let because: String

    var testDescription: String { file }
  }

  static let exceptions = [
    Exception(
      file: "Sources/PluginHost/PluginFailure.swift", options: ["--stall-limit"],
      because: "it explains a number in the middle of the sentence"),
    Exception(
      file: "Sources/BlockSource/SourceError.swift", options: ["--allow-backing"],
      because: "it tells which of several directories is meant"),
    Exception(
      file: "Sources/Coordinator/Backup/ToldFiles.swift",
      options: ["--machine", "--libvirt-xml", "--proxmox-config"],
      because: "it tells what the file was taken for"),
    Exception(
      file: "Sources/Coordinator/Restore/RestorePlaces.swift", options: ["--to"],
      because: "it is the reason, in the middle of a warning"),
    Exception(
      file: "Sources/Coordinator/Live/PreparedGuest.swift", options: ["--guest-stall-limit"],
      because: "it names the limit, in the middle of the sentence"),
    Exception(
      file: "Sources/Coordinator/Archive/Archive+Receipt.swift", options: ["--require-receipt"],
      because: "it tells why a receipt matters"),
    Exception(
      file: "Sources/QEMUControl/Undo/Watchdog.swift", options: ["--qmp"],
      because: "the watchdog is a program of its own, which tells the system's log"),
  ]

  /// Options that the code of a file names, other programs' left out.
  private static func options(_ file: Tree.File) -> Set<String> {
    let code = file.lines.filter { !$0.drop { $0 == " " }.hasPrefix("//") }
    let found = code.flatMap { $0.matches(of: /--[a-z][a-z-]*/).map { String($0.output) } }
    return Set(found).subtracting(foreign)
  }

  @Test func `no module below the command line names its options`() throws {
    for file in try Tree.sources(in: ["Sources"]) where file.path.hasSuffix(".swift") {
      guard !file.path.hasPrefix("Sources/sluice/") else { continue }
      let allowed = Self.exceptions.filter { $0.file == file.path }.flatMap(\.options)
      for option in Self.options(file).subtracting(allowed) {
        Issue.record("\(file.path) names \(option); use a Remedy or a RequestError")
      }
    }
  }

  @Test(arguments: exceptions)
  func `an exception is one that is needed`(_ exception: Exception) throws {
    let file = try #require(
      try Tree.sources(in: ["Sources"]).first { $0.path == exception.file })
    #expect(exception.options.isSubset(of: Self.options(file)), "\(exception.because)")
  }
}
