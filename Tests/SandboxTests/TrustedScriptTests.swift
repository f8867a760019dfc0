import CommandLine
import Foundation
import Testing

@testable import Sandbox
@testable import System

/// Whether interpreters can run here.
enum Scripts {
  static let canRun = ScriptFolder.canRun
}

/// Which scripts and interpreters are started at all, and what is said of others.
@Suite struct TrustedScriptTests {
  private func refusal(_ script: String) throws -> SandboxError? {
    do throws(SandboxError) { _ = try PluginScript(script) } catch { return error }
    return nil
  }

  private func interpreterRefusal(
    _ path: String, _ profile: InterpreterProfile = .python
  ) -> SandboxError? {
    do throws(SandboxError) { _ = try profile.open(path) } catch { return error }
    return nil
  }

  @Test func `a script needs no right to be executed, and its folder may have links`() throws {
    let place = try Scratch()
    let script = try place.file("script.py", mode: 0o644)
    symlink("/nonexistent", place.path("link"))
    #expect(try refusal(script) == nil)
    let opened = try PluginScript(
      place.directory + "/../" + splitPath(place.directory).name
        + "/script.py")
    #expect(opened.path == script, "as it is bound in the new root")
  }

  @Test(arguments: ["script.py", "beside.py", "below/module.py"], [0o664, 0o646] as [mode_t])
  func `nothing in a script's folder can be changed by others`(
    name: String, mode: mode_t
  ) throws {
    let place = try Scratch()
    mkdir(place.path("below"), 0o755)
    let script = try place.file("script.py", mode: 0o644)
    let file = try place.file(name, mode: mode)
    #expect(try refusal(script) == .untrusted(path: file, because: .writableByOthers))
  }

  @Test func `what lies in a script's folder is no secret`() throws {
    let place = try Scratch()
    let script = try place.file("script.py", mode: 0o644)
    let secret = try place.file(".netrc", mode: 0o600)
    #expect(try refusal(script) == .untrusted(path: secret, because: .notReadableByAll))
    unlink(secret)
    mkdir(place.path(".ssh"), 0o700)
    #expect(
      try refusal(script) == .untrusted(path: place.path(".ssh"), because: .notReadableByAll))
    rmdir(place.path(".ssh"))
    chmod(place.directory, 0o750)
    #expect(
      try refusal(script) == .untrusted(path: place.directory, because: .notReadableByAll))
  }

  @Test func `a script has a folder of its own`() throws {
    let place = try Scratch()
    let shared = place.path("shared")
    mkdir(shared, 0o755)
    let script = try place.file("shared/script.py", mode: 0o644)
    chmod(shared, 0o1777)
    #expect(try refusal(script) == .untrusted(path: script, because: .sharedFolder))
    chmod(shared, 0o755)
    mkfifo(shared + "/pipe", 0o644)
    #expect(try refusal(script) == .untrusted(path: shared + "/pipe", because: .notRegular))
    unlink(shared + "/pipe")
    // The script is one of them.
    for number in 1..<PluginScript.entriesMax {
      _ = FileManager.default.createFile(
        atPath: "\(shared)/\(number)", contents: nil, attributes: [.posixPermissions: 0o644])
    }
    #expect(try refusal(script) == nil)
    _ = try place.file("shared/more", mode: 0o644)
    #expect(try refusal(script) == .untrusted(path: shared, because: .crowdedFolder))
  }

  @Test func `a program is no script, and a script no program`() throws {
    #expect(try refusal("/bin/cat") == .notScript("/bin/cat"))
    let place = try Scratch()
    let script = try place.file("script", mode: 0o755, "#!/usr/bin/env python3\nprint(1)\n")
    for isDynamic in [false, true] {
      #expect(throws: SandboxError.script(script, line: "#!/usr/bin/env python3")) {
        _ = try openPluginExecutable(script, isDynamic: isDynamic)
      }
    }
    #expect(throws: SandboxError.dynamic("/bin/cat")) {
      _ = try openPluginExecutable("/bin/cat", isDynamic: false)
    }
    _ = try openPluginExecutable("/bin/cat", isDynamic: true)
    _ = try openPluginExecutable(Built.guest, isDynamic: false)
  }

  @Test(arguments: [
    ("#!/usr/bin/env python3", #""profile": "python", "interpreter": "/usr/bin/python3""#),
    ("#!/usr/bin/python3.11 -E", #""profile": "python", "interpreter": "/usr/bin/python3""#),
    ("#! /usr/bin/perl -w", #""profile": "perl", "interpreter": "/usr/bin/perl""#),
    ("#!/usr/bin/env -S perl -w", #""profile": "perl", "interpreter": "/usr/bin/perl""#),
    ("#!/usr/bin/env node", "of its language there is no profile"),
    ("#!/bin/sh", #""profile": "commands", "interpreter": "/usr/bin/sh""#),
    ("#!/usr/bin/env bash", #""profile": "commands", "interpreter": "/usr/bin/sh""#),
    ("#!/bin/tcsh", "of its language there is no profile"), ("#!", "there is no profile"),
  ])
  func `a script is told what to write into its manifest`(line: String, words: String) {
    let text = SandboxError.script("/x", line: line).description
    #expect(text.contains("/x is a script (\(line)): ") && text.contains(words), "\(text)")
  }

  @Test(.enabled(if: Scripts.canRun, "needs perl and python3"))
  func `an interpreter is one of the distribution, links followed first`() throws {
    #expect(interpreterRefusal("/usr/bin/python3") == nil)
    #expect(interpreterRefusal("/usr/bin/perl", .perl) == nil)
    let real = try realPath("/usr/bin/python3")
    #expect(interpreterRefusal(real) == nil)
    let place = try Scratch()
    symlink(real, place.path("python3"))
    #expect(interpreterRefusal(place.path("python3")) == nil, "it leads to an allowed one")
    unlink(place.path("python3"))
    try FileManager.default.copyItem(atPath: real, toPath: place.path("python3"))
    #expect(
      interpreterRefusal(place.path("python3"))
        == .interpreter(
          place.path("python3"), .unknown(profile: "python", expected: "/usr/bin/python3")))
    #expect(interpreterRefusal("/usr/bin/perl")?.description.contains("is not one that") == true)
  }

  @Test(arguments: [
    ("/usr/bin/python3", true), ("/usr/bin/python3.13", true), ("/usr/bin/python3.11d", false),
    ("/usr/bin/python3-config", false), ("/usr/bin/python2", false),
    ("/usr/local/bin/python3", false), ("/usr/bin/python3/x", false),
  ])
  func `versions of an interpreter are known by their names`(path: String, isKnown: Bool) {
    #expect(InterpreterProfile.python.runs(path) == isKnown)
  }

  @Test func `an interpreter that is missing is named with its package`() {
    let error = interpreterRefusal("/usr/bin/python3.0.0.0")
    #expect(error == .interpreter("/usr/bin/python3.0.0.0", .missing(package: "python3")))
    #expect(error?.description.contains("apt install python3") == true)
  }

  @Test(.enabled(if: isRoot, "only root has a directory of root's"))
  func `libraries of an interpreter are root's`() throws {
    let place = try Scratch()
    chmod(place.directory, 0o755)
    mkdir(place.path("library"), 0o755)
    // Whatever is above: a sticky directory is enough for a program, and not for these.
    #expect(throws: SandboxError.self) { try requireRoots(place.path("library")) }
    try requireRoots("/usr/lib")
    try requireRoots("/nonexistent")
  }
  @Test(.enabled(if: isRoot, "only root has a directory of root's"))
  func `where an interpreter looks for modules only root writes`() throws {
    // What is above is root's, too: not so in a directory for temporary files.
    var template = Array("/run/sluice-test-XXXXXX".utf8CString)
    let root = String(cString: try #require(mkdtemp(&template)))
    defer { try? FileManager.default.removeItem(atPath: root) }
    let modules = root + "/python3.9/dist-packages"
    try FileManager.default.createDirectory(
      atPath: modules, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    chmod(root, 0o755)
    // Any program of root's will do: it is opened and not started.
    let profile = InterpreterProfile(
      name: "python", program: try realPath("/bin/cat"), package: "", arguments: [], places: [],
      modules: [root + "/python3*/dist-packages"])
    #expect(interpreterRefusal(profile.program, profile) == nil)
    chmod(modules, 0o775)
    #expect(
      interpreterRefusal(profile.program, profile)
        == .untrusted(path: modules, because: .writableByOthers))
    chmod(modules, 0o755)
    chown(modules, nobody, 0)
    #expect(
      interpreterRefusal(profile.program, profile)
        == .untrusted(path: modules, because: .notRoots))
  }

  @Test(.enabled(if: Scripts.canRun, "needs perl and python3"), arguments: InterpreterProfile.all)
  func `the directories of modules are there`(profile: InterpreterProfile) throws {
    #expect(profile.moduleDirectories.count > 1)
    #expect(
      profile.moduleDirectories.allSatisfy { path in
        profile.places.contains { path.hasPrefix($0.path) }
      })
  }
}
