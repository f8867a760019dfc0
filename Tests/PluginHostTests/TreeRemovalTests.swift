import CommandLine
import Glibc
import System
import Testing

@testable import PluginHost

/// Trees that are awkward to remove; as an ordinary user see UserMisbehaviourTests.
struct TreeRemovalTests {
  private let scratch: Scratch
  private let root: String

  init() throws {
    scratch = try Scratch()
    root = scratch.path("tree")
    mkdir(root, 0o700)
  }

  /// Makes directories within each other, each of the same name.
  private func makeDeep(_ depth: Int, _ name: String) throws {
    var parent = try openFile(root, flags: O_RDONLY | O_DIRECTORY)
    for _ in 0..<depth {
      mkdirat(parent.raw, name, 0o700)
      parent = try openFile(name, in: parent.raw, flags: O_RDONLY | O_DIRECTORY)
    }
  }

  private func makeRaw(_ bytes: [UInt8], in path: String, isDirectory: Bool = false) {
    let name = (Array(path.utf8) + [0x2F] + bytes + [0]).map { CChar(bitPattern: $0) }
    if isDirectory { mkdir(name, 0o700) } else { close(open(name, O_CREAT | O_WRONLY, 0o600)) }
  }

  @Test(arguments: ["bytes", "lifted", "deep", "links"])
  func `whatever a plugin leaves is removed`(kind: String) throws {
    switch kind {
    case "bytes":
      makeRaw([0xFF, 0xFE], in: root)
      makeRaw([0xC3], in: root, isDirectory: true)
      mkdir(root + "/d", 0o700)
      makeRaw([0xE2, 0x82], in: root + "/d", isDirectory: true)
      makeRaw([0x80], in: root + "/d")
    case "lifted":
      try makeDeep(100, "d")
      for number in 1...3 { try scratch.make("tree/.lifted-\(number)") }
    case "deep": try makeDeep(2000, ".lifted-1")
    default:
      symlink("/etc", root + "/etc")
      symlink("nothing", root + "/nothing")
      mkfifo(root + "/fifo", 0)
    }
    let opened = try openFile(root, flags: O_RDONLY | O_DIRECTORY)
    var removal = TreeRemoval(root: opened.raw)
    try removal.run()
    #expect(rmdir(root) == 0)
  }

  @Test func `names are equal if their bytes are`() throws {
    let composed = FileName("e\u{301}")
    #expect(composed != FileName("\u{e9}"))
    #expect("e\u{301}" == "\u{e9}")
    try scratch.make("tree/\u{e9}")
    let opened = try openFile(root, flags: O_RDONLY | O_DIRECTORY)
    #expect(try listNames(in: opened.raw) == [FileName("\u{e9}")])
  }
}
