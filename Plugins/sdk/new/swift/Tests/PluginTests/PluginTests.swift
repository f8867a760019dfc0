import Glibc
import TestHost
import Testing

/// Writes and reads archives with the program that the same build made.
@Suite struct `An archive` {
  private let streams: [TestStream] = [
    .config("vm.conf", Array("cores: 2\n".utf8)),
    .disk("root", (0..<3_000_001).map { $0 < 1 << 20 ? 0 : UInt8(truncatingIfNeeded: $0 / 7) }),
    .disk("empty", []),
  ]

  private func withArchive(
    _ transport: TestHost.Transport = .sharedMemory, _ body: (TestHost, String) throws -> Void
  ) throws {
    let path = "/tmp/newformat-tests-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
    defer { unlink(path) }
    let host = TestHost(program: "plugin", format: "newformat", transport: transport)
    try host.write(streams, to: path)
    try body(host, path)
  }

  @Test(arguments: [TestHost.Transport.sharedMemory, .inline])
  func `gives back what was written, and proves it`(_ transport: TestHost.Transport) throws {
    try withArchive(transport) { host, path in
      let archive = try host.read(path)
      #expect(archive.streams == streams)
      #expect(archive.isProven)
    }
  }

  @Test func `that is changed is refused`() throws {
    try withArchive { host, path in
      let file = open(path, O_WRONLY)
      #expect(pwrite(file, "changed", 7, 2_000_000) == 7)
      close(file)
      #expect(throws: TestHostError.self) { _ = try host.read(path) }
    }
  }

  @Test func `that is cut says so`() throws {
    try withArchive { host, path in
      #expect(truncate(path, 2_000_000) == 0)
      let cut = "the archive is damaged: it has no end, so it was not completed"
      #expect(throws: TestHostError.refused(.corrupt, cut)) { _ = try host.read(path) }
    }
  }
}
