import CommandLine
import BackupProtocol
import Glibc
import JSON
import ScriptedHost
import SharedPool
import System
import Testing

/// A way to damage a good archive of the disk "d" (2 MiB) and the configuration file "vm.conf".
struct Damage: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let code: ErrorCode
  /// A shell command, run inside the archive.
  let command: String
  /// Whether only verify finds it.
  let needsVerify: Bool

  init(_ description: String, _ code: ErrorCode, needsVerify: Bool = false, _ command: String) {
    testDescription = description
    self.code = code
    self.command = command
    self.needsVerify = needsVerify
  }
}

/// Changes the manifest by `sed`, and its line in SHA256SUMS with it.
private func edit(_ expression: String) -> String {
  "sed -i '\(expression)' manifest.json && sha256sum vm.conf manifest.json > SHA256SUMS"
}

private let damages: [Damage] = [
  Damage("no manifest", .notFound, "rm manifest.json"),
  Damage("an empty manifest", .corrupt, ": > manifest.json"),
  Damage("a manifest that is no JSON", .corrupt, "echo '{' > manifest.json"),
  Damage("a manifest that is an array", .corrupt, "echo '[]' > manifest.json"),
  Damage("a manifest of 5 MiB", .corrupt, "truncate -s 5M manifest.json"),
  Damage("a manifest of 1 TiB", .corrupt, "truncate -s 1T manifest.json"),
  Damage(
    "a manifest that is nested deeply", .corrupt,
    "printf '%.0s[' $(seq 5000) > manifest.json"),
  Damage("a manifest of another version", .corrupt, edit("s/receipt\": 1/receipt\": 2/")),
  Damage("a manifest that is a link", .corrupt, "mv manifest.json x && ln -s x manifest.json"),
  Damage("a manifest that is a pipe", .corrupt, "rm manifest.json && mkfifo manifest.json"),
  Damage("a manifest that is a directory", .corrupt, "rm manifest.json && mkdir manifest.json"),
  Damage("a disk that is missing", .notFound, "rm d.raw"),
  Damage("a disk that is shorter", .corrupt, "truncate -s 1M d.raw"),
  Damage("a disk that is longer", .corrupt, "truncate -s 3M d.raw"),
  Damage("a disk that is a link", .corrupt, "ln -sf /etc/passwd d.raw"),
  Damage("a disk that is a pipe", .corrupt, "rm d.raw && mkfifo d.raw"),
  Damage("a disk that is a directory", .corrupt, "rm d.raw && mkdir d.raw"),
  Damage("a disk outside", .corrupt, edit("s/\"name\": \"d\"/\"name\": \"..\\/d\"/")),
  Damage("a file outside", .corrupt, edit("s/\"file\": \"d.raw\"/\"file\": \"..\\/d.raw\"/")),
  Damage(
    "a name with an escape", .corrupt,
    edit("s/\"name\": \"d\"/\"name\": \"\\\\u001b[31m\"/")),
  Damage("a name twice", .corrupt, edit("s/\"name\": \"d\"/\"name\": \"vm.conf\"/")),
  Damage("an unknown kind", .corrupt, edit("s/\"kind\": \"disk\"/\"kind\": \"tape\"/")),
  Damage("a negative size", .corrupt, edit("s/\"size\": 2097152/\"size\": -1/")),
  Damage(
    "a size beyond all disks", .corrupt,
    edit("s/\"size\": 2097152/\"size\": 9007199254740992/")),
  Damage("a digest of another length", .corrupt, edit("s/\"value\": \".\\{4\\}/\"value\": \"/")),
  Damage("no sums", .notFound, needsVerify: true, "rm SHA256SUMS"),
  Damage("sums of nothing", .corrupt, needsVerify: true, ": > SHA256SUMS"),
  Damage("sums that are none", .corrupt, needsVerify: true, "echo hello > SHA256SUMS"),
  Damage("sums that end too early", .corrupt, needsVerify: true, "truncate -s 70 SHA256SUMS"),
  Damage(
    "sums that do not list a file", .corrupt, needsVerify: true, "sed -i /vm.conf/d SHA256SUMS"),
  Damage("sums that list it twice", .corrupt, needsVerify: true, "sed -i p SHA256SUMS"),
  Damage(
    "sums of a file that is not there", .corrupt, needsVerify: true,
    "sed -i 's/^\\(.*\\)vm.conf/&\\n\\1other/' SHA256SUMS"),
  Damage("sums of 2 MiB", .corrupt, needsVerify: true, "truncate -s 2M SHA256SUMS"),
  Damage(
    "a manifest that its sum disowns", .corrupt, needsVerify: true,
    "sed -i 's/db1/db2/' manifest.json"),
  Damage("something left over", .corrupt, needsVerify: true, "echo > extra"),
]

@Suite(.inTurns) struct `A damaged archive` {
  let contents: [Content] = [
    .disk(1, "d", noise(2 << 20, seed: 1) { $0 % 7 == 3 }),
    .config(2, "vm.conf", Array("memory: 512\n".utf8)),
  ]

  @Test(arguments: damages)
  func `is refused, by what is wrong with it`(damage: Damage) throws {
    let place = try Scratch()
    try write(contents, to: place)
    #expect(try shell("cd \(place.directory) && \(damage.command)") == .exit(0))
    for mode in [Job.Mode.read, .verify] {
      let plugin = try startReader(place)
      if mode == .read && damage.needsVerify {
        #expect(try plugin.host.startReading(mode).count == 2)
        try finish(plugin)
        continue
      }
      #expect(throws: HostError.self) { try plugin.host.startReading(mode) }
      let error = try #require(plugin.host.fatalError)
      #expect(error.code == damage.code, "\(error.message)")
      #expect(!error.message.unicodeScalars.contains { $0.value < 0x20 }, "\(error.message)")
      #expect(plugin.wait() == .exit(1))
    }
  }

  @Test func `a file that changes after the listing fails alone`() throws {
    let place = try Scratch()
    try write(contents, to: place)
    let plugin = try startReader(place)
    let streams = try plugin.host.startReading(.read)
    #expect(try shell("truncate -s 1M \(place.directory)/d.raw") == .exit(0))
    #expect(try plugin.host.read(streams[0]).status == .corrupt)
    #expect(try shell("rm \(place.directory)/d.raw") == .exit(0))
    #expect(try plugin.host.read(streams[0]).status == .notFound)
    #expect(try plugin.host.read(streams[1]).bytes == contents[1].bytes)
    try finish(plugin)
  }

  @Test func `verify finds a changed configuration file`() throws {
    let place = try Scratch()
    try write(contents, to: place)
    try place.create("vm.conf", Array("memory: 513\n".utf8))
    let plugin = try startReader(place)
    let streams = try plugin.host.startReading(.verify)
    #expect(try plugin.host.read(streams[1]).status == .corrupt)
    #expect(try plugin.host.read(streams[0]).status == .none)
    try finish(plugin)
  }

  @Test func `an archive without digests can still be read`() throws {
    let place = try Scratch()
    let plugin = try startWriter(place)
    try plugin.host.start(contents)
    for content in contents { try plugin.host.write(content, digest: .none) }
    _ = try plugin.host.finish()
    let reader = try startReader(place)
    let streams = try reader.host.startReading(.verify)
    #expect(streams.map(\.digest) == [nil, nil])
    let answer = try reader.host.read(streams[0])
    #expect(areEqual(answer.bytes, contents[0].bytes))
    #expect(answer.close?.digest == Digest.none)
    try finish(reader)
  }
}

@Suite(.inTurns) struct `Credit in read mode` {
  /// An archive of one disk of 8 MiB, all data.
  func prepare(_ place: Scratch) throws {
    try write([.disk(1, "d", noise(8 << 20, seed: 1))], to: place)
  }

  @Test(arguments: [true, false])
  func `is never exceeded, and ABORT gets through without it`(isShared: Bool) throws {
    let place = try Scratch()
    try prepare(place)
    let plugin = try startReader(place, Talk(isShared: isShared))
    _ = try plugin.host.startReading(.read)
    try plugin.host.send { $0.append(ReadFrame(), stream: 1) }
    var data = 0
    while let frame = try? plugin.host.receive(seconds: 0.5) { data += frame.type == .data ? 1 : 0 }
    // 4 slots; inline, a window of 4 MiB.
    #expect(data == 4)
    try plugin.host.send { $0.append(.abort, [:]) }
    try plugin.host.await(.aborted)
    #expect(plugin.wait() == .exit(1))
  }

  @Test func `counts the window and the frames that the host names`() throws {
    let place = try Scratch()
    try prepare(place)
    for (window, inflight, expected) in [(256 << 10, 64, 256 << 10), (16 << 20, 8, 8 << 16)] {
      let plugin = try PluginProcess(
        "sluice-writer-raw", target: place.descriptor, pool: nil)
      var hello = Hello(
        features: [], slotCount: 16, slotBytes: 65536, hostName: "h", hostVersion: "1"
      ).object
      hello["limits"] = [
        "max_frame": JSONValue(Limits.frameBytesMax), "window": JSONValue(window),
        "inflight": JSONValue(inflight),
      ]
      try plugin.host.send { $0.append(.hello, hello) }
      try plugin.host.await(.helloAck)
      _ = try plugin.host.startReading(.read)
      try plugin.host.send { $0.append(ReadFrame(), stream: 1) }
      var bytes = 0
      while let frame = try? plugin.host.receive(seconds: 0.5) {
        guard frame.type == .data else { continue }
        bytes += try frame.payload.withRawBytes { Int(try DataFrame(parsing: $0).length) }
      }
      #expect(bytes == expected)
      plugin.host.closeInput()
      #expect(plugin.wait() == .exit(1))
    }
  }

  @Test func `a RELEASE of what was never lent is refused`() throws {
    let place = try Scratch()
    try prepare(place)
    let plugin = try startReader(place)
    _ = try plugin.host.startReading(.read)
    try plugin.host.send { $0.appendRelease([7].span) }
    #expect(try plugin.host.awaitError().code == .protocol)
    #expect(plugin.wait() == .exit(1))
  }

  @Test func `write frames are out of place`() throws {
    let place = try Scratch()
    try prepare(place)
    let plugin = try startReader(place)
    _ = try plugin.host.startReading(.read)
    try plugin.host.send { $0.appendOpen(stream: 1) }
    #expect(try plugin.host.awaitError().code == .state)
    #expect(plugin.wait() == .exit(1))
  }
}
