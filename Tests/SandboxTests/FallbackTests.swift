import CommandLine
import Foundation
import Testing

@testable import Sandbox

@Suite(.inTurns) struct FallbackTests {
  static let layers: [SandboxLayers] = [
    .landlock, .userNamespace, .allNamespaces, .refusesExecGain, .reports,
  ]

  @Test(arguments: layers)
  func `strict refuses when a layer is missing`(layer: SandboxLayers) throws {
    let visit = try Guest(["exit", "0"], mode: .strict, without: layer).finish()
    #expect(visit.failedStep == "layers")
    #expect(visit.status == nil)
  }

  @Test(arguments: layers)
  func `auto runs without one layer and names it`(layer: SandboxLayers) throws {
    let visit = try Guest(["exit", "7"], without: layer).finish()
    #expect(visit.status == .code(7))
    let missing = try #require(visit.missing)
    #expect(Set(missing).isSuperset(of: layer.descriptions.filter { !$0.contains("ABI") }))
  }

  @Test func `without Landlock and namespaces nothing runs`() throws {
    let visit = try Guest(
      ["exit", "0"], without: SandboxLayers.allNamespaces.union(.landlock)
    ).finish()
    #expect(visit.failedStep == "layers")
    #expect(visit.missing == nil)
  }

  @Test func `a denied call is harmless where it cannot be reported`() throws {
    let visit = try Guest(["socket"], without: .reports).finish()
    #expect(visit.status == .code(1))
    #expect(visit.denial == nil)
  }

  @Test(.enabled(if: isRoot, "only root can do without a user namespace"))
  func `root keeps the other namespaces without a user namespace`() throws {
    let visit = try Guest(["user"], without: .userNamespace).finish()
    #expect(visit.missing == ["user namespace"])
    #expect(visit.output == "65521 65521")
  }
}
