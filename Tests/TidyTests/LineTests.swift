import Testing

/// What every line and file of the code keeps. A failure names the place.
@Suite struct LineTests {
  @Test func `no line has more than 100 columns`() throws {
    let scripts = try Tree.files(in: ["Tests", "scripts"], [".py", ".sh"])
    for file in try Tree.sources() + scripts {
      for (number, line) in file.lines.enumerated() where line.count > 100 {
        Issue.record("\(file.path):\(number + 1) has \(line.count) columns")
      }
    }
  }

  @Test func `no file has more than 400 lines`() throws {
    // Of an SDK a vendor copies one file.
    for file in try Tree.sources()
    where file.lines.count > 401 && !file.path.hasPrefix("Plugins/sdk/") {
      Issue.record("\(file.path) has \(file.lines.count) lines; it is two files")
    }
  }

  @Test func `no function has more than 70 lines`() throws {
    for file in try Tree.sources() {
      for function in Functions.of(file) where function.lineCount > 70 {
        Issue.record("\(file.path):\(function.line) is \(function.lineCount) lines long")
      }
    }
  }

  @Test func `the measure of functions sees long ones`() {
    let body = Array(repeating: Substring("    work()"), count: 80)
    let head: [Substring] = ["struct Long {", "  package func run(", "    _ count: Int", "  ) {"]
    let found = Functions.of(Tree.File(path: "Long.swift", lines: head + body + ["  }", "}"]))
    #expect(found.map(\.lineCount) == [84])
  }

  @Test func `nothing is left to be done later`() throws {
    // Put together here, so that this file does not find itself.
    let marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]
    for file in try Tree.sources() {
      for (number, line) in file.lines.enumerated() {
        for word in line.split(whereSeparator: { !$0.isLetter }) where marks.contains(String(word))
        {
          Issue.record("\(file.path):\(number + 1) says \(word); do it, or open an issue")
        }
      }
    }
  }

  @Test(arguments: Ban.all)
  func `what is banned does not occur`(_ ban: Ban) throws {
    for file in try Tree.sources(in: ban.directories) where file.path.hasSuffix(".swift") {
      for (number, line) in file.lines.enumerated() where ban.isBroken(by: line) {
        Issue.record("\(file.path):\(number + 1) has \(ban.word); \(ban.instead)")
      }
    }
  }
}

/// A word that may not be used, and what takes its place.
struct Ban: CustomTestStringConvertible {
  let word: String
  let instead: String
  var directories = ["Sources", "Plugins"]

  var testDescription: String { word }

  static let all = [
    Ban(word: "import Foundation", instead: "use System, JSON or Glibc"),
    Ban(word: "import FoundationEssentials", instead: "use System, JSON or Glibc"),
    Ban(word: "try!", instead: "throw, or catch and say why it cannot happen"),
    Ban(word: "as!", instead: "use as? and decide"),
    Ban(word: "fatalError(", instead: "throw for outside faults, precondition for our own"),
    Ban(word: "print(", instead: "throw it, or send it as an event", directories: lower),
  ]

  /// Everything that has no standard output of its own.
  private static let lower = [
    "BackupProtocol", "BlockSource", "Coordinator", "JSON", "PluginHost", "Pump", "Requests",
    "Sandbox", "SharedPool", "System", "WriterKit",
  ].map { "Sources/\($0)" }

  func isBroken(by line: Substring) -> Bool {
    let code = line.drop { $0 == " " }
    guard !code.hasPrefix("//"), let found = code.firstRange(of: word) else { return false }
    // A word of its own, not the end of a longer one: `blueprint(`, `entry!`.
    guard found.lowerBound > code.startIndex else { return true }
    return !code[code.index(before: found.lowerBound)].isLetter
  }
}
