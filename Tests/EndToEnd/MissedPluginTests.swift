import CommandLine
import Testing

/// A plugin that is missed: why it is not used, and what an archive tells of it.
@Suite(.inTurns) struct MissedPluginTests {
  private static let name = "keeps-the-protocol"

  /// A way to break a plugin, in a shell whose directory holds its manifest and program.
  private static let breakages = [
    "echo '{' > keeps-the-protocol.json",
    "sed -i 's/\"protocol\"/\"protokoll\"/' keeps-the-protocol.json",
    "sed -i 's,\"misbehaving,\"/misbehaving,' keeps-the-protocol.json",
    "chmod 666 keeps-the-protocol.json", "chmod 777 .",
    "chmod 644 misbehaving-keeps-the-protocol", "chmod 777 misbehaving-keeps-the-protocol",
    "rm misbehaving-keeps-the-protocol",
    "mv misbehaving-keeps-the-protocol p && ln -s p misbehaving-keeps-the-protocol",
  ]

  /// What `doctor` warns of.
  private func diagnosis(_ plugins: PluginFolder) async throws -> Substring {
    let finding = try await sluice(["doctor", "--plugin-path", plugins.path])
    let line = finding.output.split(separator: "\n").first { line in
      line.hasPrefix("WARN") && line.contains(plugins.path)
    }
    return try #require(line, "\(finding.output)").dropFirst(6)
  }

  private func verbs(_ place: Scratch) -> [[String]] {
    [
      ["backup", "--image", "d=d.raw", "--to", "\(Self.name)=out"],
      ["convert", "good", "--to", "\(Self.name)=out"],
      ["list", "good", "--format", Self.name], ["verify", "good", "--format", Self.name],
      ["restore", "good", "--format", Self.name, "--to", "out"],
    ]
  }

  private func makeArchive(_ place: Scratch) async throws {
    try place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 1 << 20)])
    let made = try await sluice(
      ["backup", "--image", "d=d.raw", "--to", "raw=good"], in: place.directory)
    try #require(made.status == 0, "\(made.errors)")
  }

  @Test(arguments: breakages)
  func `a plugin that is broken is explained where it is missed`(breakage: String) async throws {
    let (place, plugins) = (try Scratch(), try await PluginFolder([Self.name]))
    try await place.shell("cd '\(plugins.path)' && \(breakage)")
    let diagnosis = try await diagnosis(plugins)
    try await makeArchive(place)
    for verb in verbs(place) {
      let finding = try await sluice(
        verb + ["--plugin-path", plugins.path], in: place.directory)
      #expect(finding.status == 69, "\(verb): \(finding.errors)")
      #expect(finding.errors.contains(diagnosis), "\(verb): \(finding.errors)")
    }
    #expect(try place.names() == ["d.raw", "good"])
  }

  @Test(.enabled(if: Build.isRoot, "only root's plugins run as another user"))
  func `a plugin that another user cannot execute is explained under root`() async throws {
    let (place, plugins) = (try Scratch(), try await PluginFolder([Self.name]))
    try await place.shell("chmod 750 '\(plugins.path)/misbehaving-\(Self.name)'")
    let diagnosis = try await diagnosis(plugins)
    #expect(diagnosis.contains("is not executable by the user that plugins of root run as"))
    try await makeArchive(place)
    let finding = try await sluice(
      verbs(place)[0] + ["--plugin-path", plugins.path], in: place.directory)
    #expect(finding.status == 69 && finding.errors.contains(diagnosis), "\(finding.errors)")
  }

  @Test func `a plugin behind another one is explained, and where it is missed`() async throws {
    let (place, plugins) = (try Scratch(), try await PluginFolder([Self.name]))
    let first = try await PluginFolder([Self.name])
    try await place.shell(
      "cd '\(first.path)' && sed -i 's/\"write\", \"read\", \"verify\"/\"write\"/' *.json")
    let words = "(\(plugins.path)/\(Self.name).json) is not used for the format \"\(Self.name)\""
    let path = ["--plugin-path", first.path, "--plugin-path", plugins.path]
    let doctor = try await sluice(["doctor"] + path)
    #expect(doctor.output.contains(words), "\(doctor.output)")
    let list = try await sluice(["plugin", "list"] + path)
    #expect(list.errors.contains(words), "\(list.errors)")
    try await place.shell("mkdir archive")
    let verify = try await sluice(
      ["verify", "archive", "--format", Self.name] + path, in: place.directory)
    #expect(verify.status == 69)
    #expect(verify.errors.contains("cannot verify the format") && verify.errors.contains(words))
  }

  @Test func `a broken plugin that another replaces is warned about`() async throws {
    let place = try Scratch()
    try place.write("raw.json", Array("{}".utf8))
    try await place.shell("chmod 755 .")
    try place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 1 << 20)])
    let made = try await sluice(
      ["backup", "--plugin-path", ".", "--image", "d=d.raw", "--to", "raw=good"],
      in: place.directory)
    #expect(made.status == 0)
    #expect(made.errors.contains("raw.json cannot be used: no proper \"manifest\"; using plugin"))
    let read = try await sluice(["verify", "--plugin-path", ".", "good"], in: place.directory)
    #expect(read.status == 0 && read.errors.contains("raw.json cannot be used"))
  }

  private func archive(_ place: Scratch, _ plugins: PluginFolder) async throws {
    try place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 1 << 20)])
    let made = try await sluice(
      [
        "backup", "--plugin-path", plugins.path, "--image", "d=d.raw", "--to", "\(Self.name)=good",
      ], in: place.directory)
    try #require(made.status == 0, "\(made.errors)")
  }

  @Test func `an archive whose plugin is missing names it, and its vendor`() async throws {
    let (place, plugins) = (try Scratch(), try await PluginFolder([Self.name]))
    try await archive(place, plugins)
    let words =
      "by its receipt it is of the format \"\(Self.name)\", made by plugin \"\(Self.name)\" 1 of "
      + "Example Works"
    for format in [[], ["--format", Self.name]] {
      for verb in [
        ["list"], ["verify"], ["restore", "--to", "out"], ["convert", "--to", "raw=out"],
      ] {
        let finding = try await sluice(verb + ["good"] + format, in: place.directory)
        #expect(finding.status == 69, "\(verb): \(finding.errors)")
        #expect(finding.errors.contains(words), "\(verb): \(finding.errors)")
        #expect(finding.errors.contains("hint: install plugin"), "\(verb): \(finding.errors)")
      }
    }
    // A receipt that the plugin keeps in its directory is found, whatever its name.
    try await place.shell("mv good.sluice.json good/whatever.json")
    let inside = try await sluice(["list", "good"], in: place.directory)
    #expect(inside.errors.contains(words), "\(inside.errors)")
    // One that is broken is said to be, too.
    try await place.shell("chmod 666 '\(plugins.path)/\(Self.name).json'")
    let broken = try await sluice(
      ["list", "good", "--plugin-path", plugins.path], in: place.directory)
    #expect(broken.errors.contains(words) && broken.errors.contains("is writable by other users"))
  }

  @Test(arguments: [
    (#"s/"sluice_receipt": 1/"sluice_receipt": 2/"#, "its version is 2"),
    (#"s/"sluice_receipt": 1/"sluice_receipt": 0/"#, "its version is 0"),
    ("s/tree-sha256-32k/blake3/", #"its digests are "blake3""#),
  ])
  func `a receipt of another version says so, and how to restore`(
    change: String, words: String
  ) async throws {
    let place = try Scratch()
    try place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 1 << 20)])
    let made = try await sluice(
      ["backup", "--image", "d=d.raw", "--to", "vma=good.vma"], in: place.directory)
    try #require(made.status == 0, "\(made.errors)")
    try await place.shell("sed -i '\(change)' good.vma.sluice.json")
    let finding = try await sluice(["verify", "good.vma"], in: place.directory)
    #expect(finding.status == 65)
    #expect(finding.errors.contains(words), "\(finding.errors)")
    #expect(finding.errors.contains("it was made by sluice"), "\(finding.errors)")
    #expect(finding.errors.contains("move good.vma.sluice.json elsewhere"), "\(finding.errors)")
    // What the hint says works.
    try await place.shell("mkdir away && mv good.vma.sluice.json away")
    let restored = try await sluice(["restore", "good.vma", "--to", "out"], in: place.directory)
    #expect(restored.status == 0, "\(restored.errors)")
  }
}
