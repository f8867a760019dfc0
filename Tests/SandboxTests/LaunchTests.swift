import CommandLine
import CLinux
import Foundation
import Testing

@testable import Sandbox
@testable import System

@Suite(.inTurns) struct LaunchTests {
  @Test func `a program runs behind every layer and its exit status arrives`() throws {
    let visit = try Guest(["exit", "42"], mode: .strict).finish()
    #expect(visit.status == .code(42))
    #expect(visit.missing == [])
    guard case .exited(.code(42), let seconds, let bytes) = visit.events.last else {
      Issue.record("no end among \(visit.events)")
      return
    }
    #expect(seconds < 5)
    #expect(bytes > 4096)
  }

  @Test func `a signal is told apart from an exit status`() throws {
    #expect(try Guest(["crash"]).finish().status == .signal(SIGSEGV))
  }

  @Test func `a denied call is reported by its name and ends the program`() throws {
    let visit = try Guest(["socket"]).finish()
    #expect(visit.denial == "plugin \"x\" called socket(2), which its sandbox denies")
    #expect(visit.status == .signal(SIGKILL))
    guard case .denied(_, _, let arguments, nil) = visit.events.dropFirst().first else {
      Issue.record("no denial among \(visit.events)")
      return
    }
    #expect(arguments.prefix(3) == [UInt64(AF_INET), 1, 0])
  }

  /// What a program calls mkdirat(2) with, and what is told of it.
  private static let paths: [(words: [String], told: String)] = [
    (["make", "/etc/new"], " on \"/etc/new\""),
    (["make", "not\u{1B}[2Jhing\nnew"], " on \"nothing new\""),
    (["make", ""], ""),
    (["make-from-thread", "/etc/new"], " on \"/etc/new\""),
    (["make-nowhere"], ""),
    (["make-at-the-edge"], " on \"edge\""),
    (["make-endless"], " on \"\(String(repeating: "x", count: 511))…\""),
  ]

  @Test(arguments: paths.indices)
  func `a denied call is reported with the path it names`(index: Int) throws {
    let (words, told) = Self.paths[index]
    let policy = SandboxPolicy.staticPlugin(PluginResources(threads: 9), grant: .file)
    let visit = try Guest(words, policy: policy).finish()
    #expect(visit.denial == "plugin \"x\" called mkdirat(2)\(told), which its sandbox denies")
    #expect(visit.status == .signal(SIGKILL))
  }

  @Test func `the program holds exactly its own descriptors`() throws {
    let extra = try openFile("/dev/null", flags: O_RDONLY)
    let leak = try openFile("/dev/null", flags: O_RDONLY)
    _ = clinux_set_close_on_exec(leak.raw, 0)
    let visit = try Guest(["descriptors"], descriptors: [(extra.raw, 5)]).finish()
    #expect(visit.output == "0 1 2 5 ")
    #expect(visit.status == .code(0))
  }

  @Test func `the program sees only the environment it was given`() throws {
    #expect(try Guest(["environment"], environment: ["A=b"]).finish().output == "A=b ")
  }

  @Test func `threads are allowed where processes are not`() throws {
    let policy = SandboxPolicy.staticPlugin(PluginResources(threads: 9), grant: .file)
    #expect(try Guest(["threads"], policy: policy).finish().status == .code(0))
  }

  @Test(.enabled(if: isRoot, "only root can give a user of its own"))
  func `root's plugin has a user of its own`() throws {
    #expect(try Guest(["user"]).finish().output == "65521 65521")
  }

  @Test func `a writer works in its directory`() throws {
    let place = try Scratch()
    if isRoot { chown(place.directory, 65_521, 65_521) }
    let output = try openFile(place.directory, flags: O_RDONLY | O_DIRECTORY)
    let visit = try Guest(
      ["archive"],
      policy: .staticPlugin(PluginResources(fileBytes: 1 << 20), grant: .writableDirectory),
      mode: .strict, descriptors: [(output.raw, 6)]
    ).finish()
    #expect(visit.status == .code(0), "\(visit.events)")
    let file = try FileStatus(path: place.path("disks/disk.raw"))
    #expect(file.size == 10000)
  }

  @Test func `a reader cannot write in its directory`() throws {
    let place = try Scratch()
    if isRoot { chown(place.directory, 65_521, 65_521) }
    let input = try openFile(place.directory, flags: O_RDONLY | O_DIRECTORY)
    let visit = try Guest(
      ["archive"], policy: .staticPlugin(PluginResources(), grant: .readableDirectory),
      descriptors: [(input.raw, 6)]
    ).finish()
    #expect(visit.denial?.contains("mkdirat(2)") == true)
    #expect(try FileManager.default.contentsOfDirectory(atPath: place.directory) == [])
  }

  @Test func `a reader has its scratch file up to its limit, and cannot write to the archive`()
    throws
  {
    let place = try Scratch()
    let archive = try openFile(try place.file("archive"), flags: O_RDONLY)
    let scratch = try openNamelessFile(place.directory)
    let visit = try Guest(
      ["scratch"], policy: .staticPlugin(PluginResources(fileBytes: 1 << 20), grant: .file),
      mode: .strict, descriptors: [(archive.raw, 6), (scratch.raw, 8)]
    ).finish()
    #expect(visit.status == .code(0), "\(visit.events)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: place.directory) == ["archive"])
  }

  @Test func `a script is no program`() throws {
    let place = try Scratch()
    let script = try place.file("script", mode: 0o755, "#!/bin/sh\nexit 0\n")
    let visit = try Guest([], program: script).finish()
    #expect(visit.failedStep == "exec")
    #expect(visit.status == nil)
  }

  @Test(arguments: ["two", "nul", "many", "high"])
  func `a command the launcher would refuse is refused before`(what: String) throws {
    let null = try openFile("/dev/null", flags: O_RDWR)
    let argument = what == "nul" ? "a\0b" : "a"
    let count = what == "many" ? 5000 : 1
    let target: Int32 = what == "two" ? 1 : what == "high" ? 16 : 3
    #expect(throws: SandboxError.self) {
      _ = try Guest(
        Array(repeating: argument, count: count), descriptors: [(null.raw, target)]
      ).finish()
    }
  }
}
