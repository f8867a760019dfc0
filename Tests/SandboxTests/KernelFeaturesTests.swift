import CommandLine
import Foundation
import Testing

@testable import Sandbox

@Suite(.alone, .serialized) struct KernelFeaturesTests {
  @Test func `a probe tells the layers and leaves nothing behind`() throws {
    _ = try KernelFeatures.probe(launcher: Built.launcher)
    let features = try KernelFeatures.probe(launcher: Built.launcher)
    #expect(features.failure == nil)
    #expect(features.layers.isSuperset(of: [.filter, .noNewPrivileges, .limits]))
    #expect(features.layers.contains(.landlock) == (features.landlockVersion > 0))
    let children = try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { entry in
      let name = try? String(contentsOfFile: "/proc/\(entry)/status", encoding: .utf8)
      return name?.contains("PPid:\t\(getpid())\n") == true
        && name?.contains("State:\tZ") == true && name?.contains("sluice-launcher") == true
    }
    #expect(children == [])
  }

  @Test func `a launcher that is missing is an error`() {
    #expect(throws: SandboxError.self) {
      try KernelFeatures.probe(launcher: "/nonexistent/launcher")
    }
  }
}
