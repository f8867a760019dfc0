import CommandLine
import Glibc
import System
import Testing

@testable import Sandbox

/// Which id root's plugins run under.
struct PluginUserTests {
  private let scratch: Scratch
  private let id = getuid()
  private var root: String { scratch.directory }

  init() throws {
    scratch = try Scratch()
    for name in ["etc", "proc", "proc/self"] { mkdir(scratch.path(name), 0o755) }
  }

  private func write(_ name: String, _ text: String) throws {
    try scratch.create(name, Array(text.utf8))
  }

  private func find() -> UInt32? { PluginUser(launcher: "/none", root: root).find() }

  @Test func `the first id that is nobody's is taken`() throws {
    #expect(find() == 65521)
    try write("etc/passwd", "root:x:0:0::/:/bin/sh\nodd:x:65521:65522::/:/bin/sh\n")
    #expect(find() == 65523)
    try write("etc/group", "odd:x:65523:\nnot a line\n")
    #expect(find() == 65524)
    try write("etc/subuid", "alice:100000:65536\nbob:65000:525\n")
    try write("etc/subgid", "bob:65525:1\n")
    #expect(find() == 65526)
  }

  @Test(.enabled(if: getuid() == 0, "root owns directories for others"))
  func `an id that a process runs under is not taken`() throws {
    mkdir(root + "/proc/4711", 0o755)
    chown(root + "/proc/4711", 65521, 65521)
    #expect(find() == 65522)
  }

  @Test func `where all are taken there is none, and each says why`() throws {
    try write("etc/subuid", "alice:60000:10000\n")
    #expect(find() == nil)
    let complaints = PluginUser(launcher: "/none", root: root).complaints()
    #expect(complaints.count == PluginUser.candidates.count)
    #expect(complaints[65533] == #"is delegated to "alice" in /etc/subuid"#)
  }

  @Test func `an id outside of the user namespace is not taken`() throws {
    try write("proc/self/uid_map", "         0     100000      65536\n")
    try write("proc/self/gid_map", "         0     100000      65536\n")
    #expect(find() == 65521)
    try write("proc/self/uid_map", "         0       1000          1\n")
    #expect(find() == nil)
  }

  @Test(arguments: [
    ("CapEff:\t00000000a80425fb", nil), ("CapEff:\t0000000000000000", "needs CAP_SETUID, "),
    ("CapEff:\t00000000a804257b", "needs CAP_SETUID"), ("CapEff:\tnone", nil), ("Uid:\t0", nil),
  ])
  func `root without the capabilities to give an id gives none`(
    line: String, complaint: String?
  ) throws {
    try write("proc/self/status", "Name:\tsluice\n\(line)\nCapBnd:\t0000000000000000\n")
    let found = PluginUser(launcher: "/none", root: root).complaints()[65521]
    #expect(found?.hasPrefix(complaint ?? "-") == (complaint == nil ? nil : true))
    #expect((find() == nil) == (complaint != nil))
  }
}
