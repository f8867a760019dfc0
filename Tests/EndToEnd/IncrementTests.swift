import CommandLine
import Glibc
import JSON
import System
import Testing

/// A disk that changes, and backups of it as an image file: what has changed is found by comparing.
struct ImageChain {
  let scratch: Scratch

  /// Some random data and some holes, and a full backup `a0`; `d0.raw` is what it holds.
  init(size: String = "24M") async throws {
    scratch = try Scratch()
    try await scratch.shell(
      """
      truncate -s \(size) d.raw && mkdir b
      for k in 0 3 8 11 17; do
        dd if=/dev/urandom of=d.raw bs=1M seek=$k count=2 conv=notrunc status=none
      done
      """)
    try await backUp("a0", "full")
  }

  /// Backs `d.raw` up, and keeps a copy to compare with.
  @discardableResult
  func backUp(
    _ name: String, _ level: String = "incremental", _ more: [String] = []
  ) async throws -> Finding {
    let parent = level == "full" ? [] : ["--parent", "b"]
    let finding = try await sluice(
      ["backup", "--image", "d=d.raw", "--to", "qcow2=b/\(name)", "--level", level] + parent + more,
      in: scratch.directory)
    try await scratch.shell("cp --sparse=always d.raw \(name).raw")
    #expect(finding.left == [])
    return finding
  }

  /// Overwrites some clusters, some of them in part, and makes some zeros.
  func change(seed: Int) async throws {
    try await scratch.shell(
      """
      for k in 1 2 3; do
        at=$(( (\(seed) * 7 + k * 53) % 380 ))
        dd if=/dev/urandom of=d.raw bs=4k seek=$((at * 16 + k)) count=$((k * 9)) conv=notrunc \
          status=none
      done
      dd if=/dev/zero of=d.raw bs=64k seek=$(( \(seed) * 31 % 300 )) count=5 conv=notrunc \
        status=none
      """)
  }

  func expectRestored(_ name: String) async throws {
    let finding = try await sluice(
      ["restore", "b/\(name)", "--to", "out-\(name)"], in: scratch.directory)
    #expect(finding.status == 0, "\(name): \(finding.errors)")
    try await scratch.shell("cmp \(name).raw out-\(name)/d.raw && rm -r out-\(name)")
  }

  func run(_ words: [String]) async throws -> Finding {
    try await sluice(words, in: scratch.directory)
  }
}

@Suite struct `A chain of backups` {
  @Test(arguments: [6, 20])
  func `gives every one of its points back, and QEMU reads the same`(count: Int) async throws {
    let chain = try await ImageChain()
    for number in 1..<count {
      try await chain.change(seed: number)
      let finding = try await chain.backUp("a\(number)", number % 5 == 4 ? "differential" : "auto")
      #expect(finding.status == 0, "\(finding.errors)")
      #expect(finding.output.contains("by comparison"), "\(finding.output)")
    }
    for number in stride(from: 0, to: count, by: count / 6) + [count - 1] {
      try await chain.expectRestored("a\(number)")
      try await chain.scratch.shell(
        """
        qemu-img check -q b/a\(number)/d.qcow2 &&
        qemu-img compare -q -f qcow2 -F raw b/a\(number)/d.qcow2 a\(number).raw
        """)
    }
    let last = "a\(count - 1)"
    let verified = try await chain.run(["verify", "b/\(last)"])
    #expect(verified.status == 0 && verified.output.contains("OK"), "\(verified.errors)")
    // A synthetic full backup.
    for format in ["raw", "qcow2", "vma"] {
      let made = try await chain.run(["convert", "b/\(last)", "--to", "\(format)=full.\(format)"])
      #expect(made.status == 0, "\(made.errors)")
      try await chain.scratch.shell(
        """
        rm -rf x && \(Build.directory)/sluice restore full.\(format) --to x &&
        cmp x/d.raw \(last).raw
        """
      )
    }
  }

  @Test(arguments: ["24M", "25165824", "25166336", "30M", "20M", "15729152"])
  func `goes on when its disk has another size`(size: String) async throws {
    let chain = try await ImageChain(size: "25165312")
    try await chain.scratch.shell("truncate -s \(size) d.raw")
    let finding = try await chain.backUp("a1")
    #expect(finding.status == 0, "\(finding.errors)")
    try await chain.scratch.shell("truncate -s 24M d.raw")
    try await chain.change(seed: 3)
    try await chain.backUp("a2")
    for name in ["a0", "a1", "a2"] { try await chain.expectRestored(name) }
  }

  @Test func `of which nothing has changed takes no room`() async throws {
    let chain = try await ImageChain()
    let finding = try await chain.backUp("a1")
    #expect(finding.output.contains("0 B changed"), "\(finding.output)")
    try await chain.scratch.shell("test $(du -sk b/a1 | cut -f1) -le 400")
    try await chain.expectRestored("a1")
  }

  @Test(arguments: [
    ["restore", "b/a1", "--to", "x"], ["convert", "b/a1", "--to", "vma=x"], ["verify", "b/a1"],
    ["backup", "--image", "d=d.raw", "--to", "qcow2=x", "--level", "auto", "--parent", "b"],
  ])
  func `whose reading the user stops leaves nothing`(words: [String]) async throws {
    let chain = try await ImageChain()
    // More than a reader's slots hold: it is not at its end when the user stops it.
    try await chain.scratch.shell(
      "dd if=/dev/urandom of=d.raw bs=1M seek=2 count=20 conv=notrunc status=none")
    try await chain.backUp("a1")
    let program = try startSluice(
      words + ["--json", "--rate-limit", "100K"], in: chain.scratch.directory)
    #expect(try await program.says("\"started\""))
    try await Task.sleep(for: .milliseconds(500))
    program.send(SIGINT)
    let finding = try await program.finding()
    #expect(finding.status == 130, "\(words[0]): \(finding.errors)")
    let told = words[0] == "verify" ? "b/a1 is not verified" : "nothing was published"
    #expect(finding.errors.contains(told) || finding.output.contains(told), "\(finding.output)")
    #expect(finding.left == [])
    #expect(try !chain.scratch.names().contains { $0 == "x" || $0.hasPrefix(".x") })
  }

  @Test func `is shown as a table, with what is missing in it`() async throws {
    let chain = try await ImageChain()
    for number in 1...2 {
      try await chain.change(seed: number)
      try await chain.backUp("a\(number)")
    }
    let whole = try await chain.run(["list", "b"])
    #expect(whole.status == 0, "\(whole.errors)")
    let lines = whole.output.split(separator: "\n").map {
      $0.split(separator: " ").map(String.init)
    }
    #expect(lines[0] == ["VM", "TIME", "LEVEL", "SIZE", "FORMAT", "ARCHIVE", "PARENT"])
    #expect(lines.dropFirst().map { $0[2] } == ["full", "incremental", "incremental"])
    #expect(lines[3].suffix(2) == ["a2", "a1"], "\(lines)")
    try await chain.scratch.shell("mv b/a1 away")
    let broken = try await chain.run(["list", "b"])
    #expect(broken.output.contains("missing"), "\(broken.output)")
    let json = try await chain.run(["list", "b", "--json"])
    let object = try JSONValue(parsing: Array(json.output.utf8), depthMax: 16)
    #expect(object["archives"]?.array?.last?["parent"]?["state"] == "missing", "\(json.output)")
  }
}
