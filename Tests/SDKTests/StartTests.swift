import BackupProtocol
import CommandLine
import Glibc
import ScriptedHost
import System
import Testing

/// The plugins printed in the README of the SDKs are complete, and do what it says.
@Suite(.inTurns) struct `The shortest plugins of the SDKs` {
  private static let root = Build.directory + "/../../.."
  private let place: Scratch

  init() throws { place = try Scratch() }

  /// What follows the heading of a language, fenced as `kind`.
  private func printed(_ kind: String, below heading: String) throws -> String {
    let text = String(
      decoding: try readSmallFile("\(Self.root)/Plugins/sdk/README.md", limit: 1 << 20),
      as: UTF8.self)
    let section = try #require(text.split(separator: "\n\(heading)\n", maxSplits: 1).last)
    let blocks = section.split(separator: "```\(kind)\n", maxSplits: 1)
    try #require(blocks.count == 2, "no \(kind) below \(heading)")
    return String(try #require(blocks[1].split(separator: "```\n", maxSplits: 1).first))
  }

  /// Builds the plugin of a language into the folder `p` of the scratch directory.
  private func build(_ language: String) async throws {
    var manifest = try printed("json", below: "## The shortest plugins")
    let sdk = "\(Self.root)/Plugins/sdk"
    switch language {
    case "python":
      try place.create("plain.py", Array(try printed("python", below: "### Python").utf8))
      try await place.shell("install -m 644 '\(sdk)/python/sluice.py' . && chmod 755 plain.py")
      manifest.replace(
        "\"executable\": \"plain\"",
        with: """
          "executable": "plain.py", "interpreter": "/usr/bin/python3", "profile": "python"
          """)
      try place.create("plain.json", Array(manifest.utf8))
    case "c":
      try place.create("plain.json", Array(manifest.utf8))
      try place.create("plain.c", Array(try printed("c", below: "### C").utf8))
      try await place.shell(
        """
        cp '\(sdk)'/c/sluice.? .
        cc -std=gnu11 -Wall -Werror -O2 -static -o plain plain.c sluice.c
        """)
    default:
      try place.create("plain.json", Array(manifest.utf8))
      var crate = try printed("toml", below: "### Rust")
      crate.replace("../sluice", with: Self.root)
      try place.create("Cargo.toml", Array(crate.utf8))
      try place.create("main.rs", Array(try printed("rust", below: "### Rust").utf8))
      try await place.shell(
        """
        mkdir src && mv main.rs src; export HOME=$(getent passwd "$(id -u)" | cut -d: -f6)
        export PATH=$PATH:$HOME/.cargo/bin RUSTFLAGS='-D warnings -C target-feature=+crt-static'
        cargo build --quiet --offline --release --target-dir target && cp target/release/plain .
        rm -r target src
        """, within: 300)
    }
    // A script's folder is shown to it: nothing else lies there, and all may read it.
    let parts = language == "python" ? "plain.py sluice.py" : "plain"
    try await place.shell("mkdir p && chmod 755 p && mv \(parts) plain.json p")
  }

  @Test(arguments: Example.all)
  func `write a disk as the README says`(_ example: Example) async throws {
    try await build(example.language)
    let program = place.path(example.language == "python" ? "p/plain.py" : "p/plain")
    let content = Content.disk(1, "d", Sample.disk)
    let file = try ScratchArchive()
    let process = try PluginProcess(program, target: try file.opened(O_RDWR | O_CREAT), pool: nil)
    try process.host.greet(features: [])
    try process.host.start([content], format: "plain", output: .file)
    try process.host.write(content, digest: .none, masks: true)
    _ = try process.host.finish()
    #expect(process.wait() == .exit(0))
    #expect(areEqual(try file.bytes(), Sample.disk))
  }

  @Test(arguments: Example.sandboxed)
  func `write a disk in the sandbox`(_ example: Example) async throws {
    try await build(example.language)
    try place.makeSparse("d.raw", bytes: 3_000_001, data: [(1 << 20, 70_000), (3_000_000, 1)])
    let finding = try await sluice(
      ["backup", "--plugin-path", "p", "--image", "d=d.raw", "--to", "plain=out"],
      in: place.directory)
    #expect(finding.status == 0, "\(finding.errors)")
    try await place.shell("cmp d.raw out")
  }
}
