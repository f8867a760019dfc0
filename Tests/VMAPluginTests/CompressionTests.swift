import CommandLine
import BackupProtocol
import Glibc
import JSON
import ScriptedHost
import SharedPool
import Testing

@Suite(.inTurns) struct `A compressed VMA archive` {
  static let hasTools =
    Checker.canRun && access("/usr/bin/zstd", X_OK) == 0 && access("/usr/bin/gzip", X_OK) == 0

  let contents: [Content] = [
    .config(1, "qemu-server.conf", Array("memory: 512\n".utf8)),
    .disk(2, "d", noise(21 << 20 | 512, seed: 6) { $0 * $0 / 7 % 3 == 0 }),
    .disk(3, "nothing", noise(600 << 20, seed: 5) { _ in true }),
    .disk(4, "e", noise(3 << 20, seed: 5)),
  ]

  @Test(
    .enabled(if: hasTools, "needs zstd, gzip and python3"),
    arguments: ["zstd", "zstd:1", "zstd:19", "gzip", "gzip:12"], [Job.OutputKind.file, .pipe])
  func `is what everybody's tools decompress`(option: String, kind: Job.OutputKind) throws {
    var talk = Talk(options: ["compress": .string(option)])
    talk.kind = kind
    let file = try write(contents, talk)
    try workshop.expect(file, holds: contents, .verify, Talk(kind: kind))
    let program = option.hasPrefix("zstd") ? "zstd" : "gzip"
    let isAligned =
      "cd '\(file.place.directory)' && { ! dd if=/dev/zero of=x bs=4k count=1 oflag=direct "
      + "2>/dev/null || [ $(($(stat -c %s archive) % 512)) = 0 ]; }"
    // What the disk takes past the page cache fills whole sectors.
    if program == "zstd" && kind == .file { #expect(try shell(isAligned) == .exit(0)) }
    let command =
      "cd '\(file.place.directory)' && \(program) -dc < archive > plain && mv plain archive"
    #expect(try shell(command) == .exit(0))
    try Checker.expect(file, holds: contents)
  }

  @Test(arguments: ["none", "zstd", "gzip"])
  func `may be any size, down to a header`(option: String) throws {
    let talk = Talk(isShared: false, options: ["compress": .string(option)])
    for contents in [
      [Content.config(1, "c", [])], [.disk(1, "d", noise(512, seed: 1))],
      // Exactly blocks of 1 and 4 MiB, but for the headers before them.
      [.disk(1, "d", noise(4 << 20 - 13824, seed: 2))],
    ] {
      let file = try write(contents, talk)
      try workshop.expect(file, holds: contents)
    }
  }

  @Test func `that is called off leaves an empty file`() throws {
    let file = try ScratchArchive()
    let plugin = try startWriter(file)
    let disk = Content.disk(1, "d", noise(20 << 20, seed: 1))
    try plugin.host.start(
      [disk], format: "vma", output: .file, options: ["compress": "zstd:1"])
    try plugin.host.send { $0.appendOpen(stream: 1) }
    for part in 0..<19 {
      try plugin.host.sendData(disk, (part << 20)..<((part + 1) << 20), masks: true)
    }
    try plugin.host.send { $0.append(.abort, Abort(reason: "a test").object) }
    try plugin.host.await(.aborted)
    #expect(plugin.wait() == .exit(1))
    #expect(try file.bytes() == [])
  }
}
