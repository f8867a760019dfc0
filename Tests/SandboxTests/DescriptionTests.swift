import CLinux
import Foundation
import Testing

@testable import Sandbox
@testable import System

/// The launcher trusts its host, and still refuses every description that is not whole.
@Suite struct DescriptionTests {
  /// Hands bytes to the launcher and returns its last event.
  private func launch(_ bytes: [UInt8], sealed: Bool = true) throws -> SandboxEvent? {
    let file = OwnedDescriptor(adopting: clinux_memfd_create("description"))
    try bytes.withUnsafeBytes { try file.writeAll($0, at: 0, subject: "a description") }
    if sealed { try check(clinux_add_seals(file.raw, 15), .seal, "a description") }
    let null = try openFile("/dev/null", flags: O_RDWR)
    let program = try openTrustedExecutable(Built.guest)
    let status = try System.Pipe()
    let lifeline = try System.Pipe()
    var pid: Int32 = 0
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("launcher"), nil]
    defer { free(arguments[0]) }
    var environment: [UnsafeMutablePointer<CChar>?] = [nil]
    let sources = [
      null.raw, null.raw, null.raw, status.writeRaw, lifeline.readRaw, file.raw,
      program.raw,
    ]
    try check(
      clinux_spawn(
        Built.launcher, &arguments, &environment, sources, [0, 1, 2, 16, 17, 18, 19], 7, &pid),
      .spawn, "the launcher")
    let pidfd = OwnedDescriptor(adopting: try check(clinux_pidfd_open(pid), .pidfdOpen, ""))
    var poller = Poller()
    poller.add(pidfd.raw, .readable)
    _ = try poller.wait(seconds: 10)
    _ = clinux_set_nonblocking(status.readRaw, 1)
    var event: SandboxEvent?
    while case .report(let report) = readReport(from: status.readRaw) {
      event = SandboxEvent(report, wanted: [])
    }
    var code: Int32 = 0
    var isSignal: Int32 = 0
    #expect(clinux_reap(pid, &code, &isSignal) == 1)
    #expect(isSignal == 0, "the launcher crashed")
    return event
  }

  private func good() throws -> [UInt8] {
    let null = try openFile("/dev/null", flags: O_RDWR)
    let command = SandboxCommand(
      executable: try openFile(Built.guest, flags: O_RDONLY), name: "x",
      arguments: ["x", "exit", "3"], descriptors: (0...2).map { (null.raw, $0) },
      policy: .staticPlugin(PluginResources(), grant: .file), mode: .auto)
    return try LaunchDescription(command).bytes
  }

  private func isRefused(_ event: SandboxEvent?) -> Bool {
    if case .failed(step: "description", _) = event { return true }
    return false
  }

  @Test func `a whole description is taken`() throws {
    guard case .exited(.code(3), _, _) = try launch(good()) else {
      Issue.record("not taken")
      return
    }
  }

  @Test func `a description that somebody could still change is refused`() throws {
    #expect(isRefused(try launch(good(), sealed: false)))
  }

  @Test func `a truncated description is refused wherever it ends`() throws {
    let bytes = try good()
    for length in [0, 1, 3, 71] + stride(from: 72, to: bytes.count, by: 211) + [bytes.count - 1] {
      #expect(isRefused(try launch(Array(bytes.prefix(length)))), "\(length) bytes")
      // The same with a length field that agrees.
      var agreeing = Array(bytes.prefix(length))
      guard length >= 72 else { continue }
      agreeing.replaceSubrange(
        8..<12, with: (0..<4).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) })
      #expect(isRefused(try launch(agreeing)), "\(length) bytes, as told")
    }
  }

  @Test func `a trailing byte is refused`() throws {
    #expect(isRefused(try launch(try good() + [0])))
  }

  @Test(arguments: [0, 4, 8, 28, 40, 44, 48, 52, 56, 60, 64])
  func `a wrong number in the header is refused`(offset: Int) throws {
    var bytes = try good()
    for value in [UInt8(0xff), bytes[offset] | 1] {
      bytes[offset + 3] = value
      #expect(isRefused(try launch(bytes)), "at \(offset)")
      bytes[offset + 3] = 0
      let old = bytes[offset]
      bytes[offset] = old &+ 1
      #expect(isRefused(try launch(bytes)), "at \(offset)")
      bytes[offset] = old
    }
  }
}
