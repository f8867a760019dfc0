import CommandLine
import System
import Testing

/// What is wrong with a parent is said, with what can be done about it.
@Suite struct `A parent` {
  private func chain() async throws -> ImageChain {
    let chain = try await ImageChain()
    try await chain.change(seed: 1)
    try await chain.backUp("a1")
    return chain
  }

  @Test func `that is missing is named, and can be said`() async throws {
    let chain = try await chain()
    try await chain.scratch.shell("mkdir far && mv b/a0 far/")
    for words in [
      ["restore", "b/a1", "--to", "x"], ["verify", "b/a1"], ["convert", "b/a1", "--to", "vma=y"],
    ] {
      let finding = try await chain.run(words)
      #expect(finding.status == 66, "\(words): \(finding.errors)")
      #expect(finding.errors.contains("needs its parent, the backup of 2"), "\(finding.errors)")
      #expect(finding.errors.contains("--parent"), "\(finding.errors)")
      let told = try await chain.run(words + ["--parent", "far"])
      #expect(told.status == 0, "\(words): \(told.errors)")
    }
    let alone = try await chain.run(["verify", "--alone", "b/a1"])
    #expect(alone.status == 0, "\(alone.errors)")
    try await chain.scratch.shell("cmp a1.raw x/d.raw")
  }

  @Test func `that was damaged gives nothing, and is named`() async throws {
    let chain = try await chain()
    // Random data in the image's file, behind its tables.
    try await chain.scratch.shell(
      "printf damaged | dd of=b/a0/d.qcow2 bs=1 seek=$((3 << 20)) conv=notrunc status=none")
    for words in [["restore", "b/a1", "--to", "x"], ["verify", "b/a1"]] {
      let finding = try await chain.run(words)
      #expect(finding.status == 65, "\(words): \(finding.errors)")
      #expect(finding.errors.contains("a0"), "\(finding.errors)")
      #expect(finding.left.isEmpty)
    }
    #expect(try !chain.scratch.names().contains("x"))
    // The next one does not compare with what is damaged.
    let demanded = try await chain.backUp("a2", "incremental")
    #expect(demanded.status == 65, "\(demanded.errors)")
    let automatic = try await chain.backUp("a3", "auto")
    #expect(automatic.status == 0, "\(automatic.errors)")
    #expect(automatic.output.contains("stored in full: the parent could not be read"))
    try await chain.expectRestored("a3")
  }

  @Test func `that is another backup is not taken for it`() async throws {
    let chain = try await chain()
    // The same job in its receipt, another disk.
    try await chain.scratch.shell(
      """
      mv b/a0 real && dd if=/dev/urandom of=d.raw bs=1M count=1 conv=notrunc status=none
      \(Build.directory)/sluice backup --image d=d.raw --to qcow2=b/a0 --level full
      job=$(grep -o '"job": "[0-9a-f]*"' real/manifest.json | head -1)
      sed -i "0,/\\"job\\": \\"[0-9a-f]*\\"/s//$job/" b/a0/manifest.json
      """)
    let finding = try await chain.run(["restore", "b/a1", "--to", "x"])
    #expect(finding.status == 65, "\(finding.errors)")
    #expect(finding.errors.contains("has changed since"), "\(finding.errors)")
    #expect(try !chain.scratch.names().contains("x"))
  }

  @Test func `whose bytes and receipt were both changed is told by the increment`() async throws {
    let chain = try await chain()
    try await chain.scratch.shell(
      """
      cp -r b/a0 forged && rm -r b/a0
      dd if=/dev/urandom of=d.raw bs=1M count=1 conv=notrunc status=none
      \(Build.directory)/sluice backup --image d=d.raw --to qcow2=b/a0 --level full
      cp forged/manifest.json b/a0/manifest.json
      """)
    let finding = try await chain.run(["restore", "b/a1", "--to", "x"])
    #expect(finding.status == 65, "\(finding.errors)")
    #expect(try !chain.scratch.names().contains("x"))
  }

  @Test func `of another machine or format, or of none, is refused before anything starts`()
    async throws
  {
    let chain = try await chain()
    let refusals: [(words: [String], status: Int32, says: String)] = [
      (["--to", "qcow2=x", "--vm-name", "other", "--parent", "b"], 69, "of another VM"),
      (["--to", "raw=x", "--parent", "b"], 69, "cannot hold incremental backups"),
      (["--to", "qcow2=x", "--to", "raw=y", "--parent", "b"], 69, "\"raw\" cannot hold"),
      (["--to", "qcow2=x", "--parent", "empty"], 69, "no backup of this format was found"),
      (["--to", "qcow2=x", "--parent", "none"], 66, "No such file"),
      (["--to", "qcow2=none/x-{time}", "--parent", "b"], 73, "cannot create none/x-{time}: No"),
      (["--to", "qcow2=x", "--parent", "d.raw"], 66, "has no receipt"),
      (["--to", "qcow2=x"], 64, "--level incremental needs --parent"),
      (["--to", "qcow2=x", "--parent", "b", "--digest", "none"], 64, "--digest none"),
    ]
    try await chain.scratch.shell(
      """
      mkdir empty &&
      \(Build.directory)/sluice backup --image d=d.raw --to qcow2=named --vm-name db --level full
      """)
    for refusal in refusals {
      var words = ["backup", "--image", "d=d.raw", "--level", "incremental"] + refusal.words
      if refusal.says == "of another VM" { words = words.map { $0 == "b" ? "named" : $0 } }
      let finding = try await chain.run(words)
      #expect(finding.status == refusal.status, "\(refusal.words): \(finding.errors)")
      #expect(finding.errors.contains(refusal.says), "\(refusal.words): \(finding.errors)")
      #expect(try !chain.scratch.names().contains { $0 == "x" || $0 == "y" || $0.hasPrefix(".x") })
    }
  }

  @Test(arguments: ["itself", "its child"])
  func `that is in a circle with what refers to it is refused`(end: String) async throws {
    let chain = try await chain()
    try await chain.change(seed: 2)
    try await chain.backUp("a2")
    let other = end == "itself" ? "a1" : "a2"
    try await chain.scratch.shell(
      """
      python3 -c 'import json, sys
      other, path = json.load(open(sys.argv[1])), sys.argv[2]
      receipt = json.load(open(path))
      receipt["parent"]["job"] = other["job"]
      json.dump(receipt, open(path, "w"))' b/\(other)/manifest.json b/a1/manifest.json
      """)
    let finding = try await chain.run(["verify", "b/a2"])
    #expect(finding.status == 65, "\(finding.errors)")
    #expect(finding.errors.contains("receipt"), "\(finding.errors)")
    let listing = try await chain.run(["list", "b"])
    #expect(listing.status == 0, "\(listing.errors)")
    #expect(listing.errors.contains("manifest.json") == (end == "itself"), "\(listing.errors)")
  }

  @Test func `of several outputs is the same backup`() async throws {
    let chain = try await chain()
    let run = { (words: [String]) in try await chain.run(["backup", "--image", "d=d.raw"] + words) }
    try await chain.scratch.shell("mkdir c")
    let both = try await run(
      ["--to", "qcow2:one=b/t0", "--to", "qcow2:two=c/t0", "--level", "full"])
    #expect(both.status == 0, "\(both.errors)")
    try await chain.change(seed: 9)
    let next = try await run(
      [
        "--to", "qcow2:one=b/t1", "--to", "qcow2:two=c/t1", "--level", "incremental", "--parent",
        "one=b/t0", "--parent", "two=c/t0",
      ])
    #expect(next.status == 0, "\(next.errors)")
    for place in ["b", "c"] {
      let restored = try await chain.run(["restore", "\(place)/t1", "--to", "r\(place)"])
      #expect(restored.status == 0, "\(restored.errors)")
      try await chain.scratch.shell("cmp d.raw r\(place)/d.raw")
    }
    let mixed = try await run(
      [
        "--to", "qcow2:one=b/t2", "--to", "qcow2:two=c/t2", "--level", "incremental", "--parent",
        "one=b/a0", "--parent", "two=c/t0",
      ])
    #expect(mixed.status == 64, "\(mixed.errors)")
    #expect(mixed.errors.contains("parents of different backups"), "\(mixed.errors)")
  }
}
