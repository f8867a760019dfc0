import CommandLine
import CLinux
import Foundation
import Testing

@testable import Sandbox
@testable import System

/// Programs that read what they are granted: `qemu-storage-daemon` and the like.
@Suite(.inTurns) struct PathRuleTests {
  /// Opens one path under a policy that grants `rules`, and says which errno it got.
  private func attempt(
    _ verb: String, _ path: String, _ rules: [PathRule], without: SandboxLayers = [],
    newRoot: Bool = true
  ) throws -> Int32? {
    var policy = SandboxPolicy.dynamicPlugin(PluginResources(), grant: .file)
    policy.rules += [.allow("openat", because: "the test wants to see Landlock and the mounts")]
      .filter { _ in verb == "write" }
    policy.rules.removeAll { verb == "write" && $0.call == "openat" && !$0.tests.isEmpty }
    policy.identity = .keep
    policy.keptCapabilities = SandboxPolicy.readAnyFile
    policy.hasNewRoot = newRoot
    if isRoot { policy.namespaces.remove(.userNamespace) }
    policy.paths = rules
    let visit = try Guest([verb, path], policy: policy, without: without).finish()
    guard case .code(let code) = visit.status else {
      Issue.record("\(visit.events)")
      return nil
    }
    return code
  }

  @Test(arguments: [SandboxLayers(), .landlock, .allNamespaces], [true, false])
  func `a granted file is read and its neighbour is not`(
    without: SandboxLayers, newRoot: Bool
  ) throws {
    // Without Landlock and without a new root nothing would guard the neighbour.
    if without == .landlock && !newRoot { return }
    let place = try Scratch()
    let granted = try place.file("granted")
    let neighbour = try place.file("neighbour")
    let rules = [PathRule.path(granted, .read)]
    #expect(try attempt("read", granted, rules, without: without, newRoot: newRoot) == 0)
    #expect(try attempt("read", neighbour, rules, without: without, newRoot: newRoot) != 0)
    #expect(try attempt("write", granted, rules, without: without, newRoot: newRoot) != 0)
  }

  @Test func `a rule on a descriptor follows the file and not its name`() throws {
    let place = try Scratch()
    let granted = try place.file("granted", "granted")
    let file = try openFile(granted, flags: O_RDONLY)
    let rules = [PathRule.file(file.raw, named: granted, .read)]
    #expect(try attempt("read", granted, rules) == 0)
    rename(granted, place.path("elsewhere"))
    _ = try place.file("granted", "an impostor")
    // The mounts would show the old file, Landlock knows the old one only.
    #expect(try attempt("read", granted, rules, without: .allNamespaces, newRoot: false) != 0)
  }

  @Test(.enabled(if: isRoot, "needs a file of somebody else"))
  func `a kept capability reads somebody else's file and nothing more`() throws {
    let place = try Scratch()
    let foreign = try place.file("foreign")
    chown(foreign, nobody, nobody)
    let rules = [PathRule.path(foreign, [.read, .write])]
    #expect(try attempt("read", foreign, rules) == 0)
    #expect(try attempt("write", foreign, rules) == EACCES)
  }

  @Test func `a missing path is an error unless it is optional`() throws {
    let missing = PathRule.path("/nonexistent/sluice", .read)
    var policy = SandboxPolicy.staticPlugin(PluginResources(), grant: .file)
    policy.paths = [missing]
    #expect(try Guest(["exit", "0"], policy: policy).finish().failedStep == "paths")
    policy.paths = [.path("/nonexistent/sluice", .read, isOptional: true)]
    #expect(try Guest(["exit", "0"], policy: policy).finish().status == .code(0))
  }

  @Test func `a dynamic program finds its libraries and nothing else`() throws {
    let policy = SandboxPolicy.dynamicPlugin(PluginResources(), grant: .file)
    let environment = ["PATH=/bin"]
    let program = "/usr/bin/cat"
    let found = try Guest(
      ["/etc/ld.so.cache"], program: program, policy: policy, mode: .strict,
      environment: environment
    ).finish()
    #expect(found.status == .code(0), "\(found.events)")
    let shadow = try Guest(
      ["/etc/passwd"], program: program, policy: policy, environment: environment
    ).finish()
    #expect(shadow.status == .code(1), "\(shadow.events)")
    #expect(shadow.output == "")
  }

  @Test(arguments: [true, false])
  func `a private proc shows the program itself and can be read only`(hasProc: Bool) throws {
    let policy = SandboxPolicy.dynamicPlugin(
      PluginResources(), grant: .file, hasPrivateProc: hasProc)
    func cat(_ path: String) throws -> Visit {
      try Guest(
        [path], program: "/usr/bin/cat", policy: policy, mode: .strict, environment: ["A=b"]
      ).finish()
    }
    #expect(try cat("/proc/1/comm").output == (hasProc ? "cat\n" : ""))
    #expect(try cat("/proc/\(getpid())/comm").output == "")
    #expect(try cat("/proc/sys/kernel/hostname").output == "")
    #expect(try cat("/proc/cmdline").output == "")
  }
}
