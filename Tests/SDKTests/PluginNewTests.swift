import BackupProtocol
import CommandLine
import ScriptedHost
import Testing

/// What `sluice plugin new` makes is a plugin at once, in every language.
@Suite(.inTurns) struct `A new plugin` {
  static let languages =
    ["c", "python"] + (Example.hasRust ? ["rust"] : []) + (ShellFolder.canRun ? ["shell"] : [])
    + (Example.hasSwift ? ["swift"] : [])

  @Test(arguments: languages)
  func `does all that its README says, and passes every case of the levels it declares`(
    _ language: String
  ) async throws {
    let plugin = try await NewPlugin(language)
    let commands = try #require(try plugin.printed("sh").first)
    let said = try await plugin.shell(commands)
    for level in ["Core", "Shared memory", "Read"] {
      #expect(said.contains(try Regex("# \(level): [1-9][0-9]* passed, 0 failed")), "\(level)")
    }
    #expect(said.contains("every byte verified against the receipt"))
    if language == "swift" {
      #expect(said.contains("Test run with 3 tests in 1 suite passed"), "\(said)")
    }
    try await expectPacked(plugin)
    try await expectByHand(plugin)
    // A shell script is spoken for by a program of ours, whose tests are elsewhere.
    guard language != "shell" else { return }
    try expectProof(plugin.built)
    try expectRefusal(plugin.built)
    try expectBound(plugin.built)
  }

  @Test(.enabled(if: Example.hasSwift, "swift is not on the PATH"))
  func `in Swift says that it is built from a checkout of Sluice`() async throws {
    let (plugin, place) = (try await NewPlugin("swift"), try Scratch())
    let hint = "there is no checkout of Sluice in \(place.directory): set SLUICE_SOURCE"
    let refused = try await plugin.shell("SLUICE_SOURCE='\(place.directory)' make || echo refused")
    #expect(refused.contains(hint) && refused.hasSuffix("refused\n"), "\(refused)")
    let told = try await sluice(
      ["plugin", "new", "x", "--language", "swift"], in: place.directory)
    #expect(told.output.contains("  cd x\n  export SLUICE_SOURCE=DIR  #"), "\(told.output)")
  }

  /// Its package puts everything where a host looks, and what it puts there is the plugin.
  private func expectPacked(_ plugin: NewPlugin) async throws {
    let listed = try await plugin.shell("dpkg-deb -c *.deb; dpkg-deb -x *.deb unpacked")
    let (name, plugins) = (NewPlugin.name, "./usr/share/sluice/plugins")
    #expect(listed.contains("-rw-r--r-- root/root"))
    #expect(listed.contains("\(plugins)/\(name).json\n"), "\(listed)")
    let program =
      plugin.script.map { "\(plugins)/\(name)/\($0)\n" } ?? "./usr/libexec/sluice/writers/\(name)\n"
    #expect(listed.contains(try Regex("-rwxr-xr-x root/root .* \(program)")), "\(listed)")
    #expect(!listed.contains(try Regex("\n[^ ]{5}w|\n[^ ]{8}w")), "others may write: \(listed)")
    let installed = try await plugin.shell(
      """
      sluice plugin check --case core.info --case core.archive unpacked/usr/share/sluice/plugins
      """)
    #expect(installed.contains("# Core: 2 passed, 0 failed"), "\(installed)")
  }

  /// The commands without make.
  private func expectByHand(_ plugin: NewPlugin) async throws {
    let commands = try #require(try plugin.printed("").first)
    try plugin.place.makeSparse(
      "\(NewPlugin.name)/d.raw", bytes: 24 << 20, data: [(0, 3 << 20), (9 << 20, 6 << 20)])
    try await plugin.shell(
      commands.replacing("disk=FILE", with: "disk=d.raw") + "cmp d.raw restored/disk.raw")
  }

  /// It holds what it reads against its digests, and salvages around damage.
  private func expectProof(_ built: Example) throws {
    let contents = [Content.disk(1, "d", noise(4 << 20, seed: 3)), Sample.contents[2]]
    let archive = try built.write(contents)
    let whole = try built.read(archive)
    whole.expect(contents)
    #expect(whole.isProven)
    #expect(try !built.read(built.write(contents, digests: false)).isProven)
    #expect(try built.read(try built.lie(contents[0])).answers.map(\.status) == [.corrupt])
    // In the data of the first record.
    try archive.place.flip(ScratchArchive.name, at: 5000)
    #expect(try built.read(archive).answers.map(\.status) == [.corrupt, .none])
    let salvaged = try built.read(archive, .read, salvages: true)
    #expect(salvaged.answers.map(\.damaged) == [[0..<1 << 20], []])
    #expect(salvaged.answers.first?.dataBytes == 3 << 20 && !salvaged.isProven)
  }

  /// It refuses archives that are cut, and those in which a byte is changed that is no data.
  private func expectRefusal(_ built: Example) throws {
    let content = Content.disk(1, "d", [UInt8](repeating: 0, count: 4 << 20))
    let whole = try built.write([content]).bytes()
    for count in [0, 20, 40, whole.count / 2, whole.count - 1] {
      try expectCorrupt(Array(whole.prefix(count)), built)
    }
    for place in stride(from: 0, to: whole.count, by: 29) {
      var bytes = whole
      bytes[place] ^= 0x40
      try expectCorrupt(bytes, built)
    }
  }

  /// Data that no slot could have held is refused before memory is taken for it.
  private func expectBound(_ built: Example) throws {
    let hole = Content.disk(1, "d", [UInt8](repeating: 0, count: 20 << 20))
    var bytes = try built.write([hole]).bytes()
    // The first record is behind the magic, and its check behind all of it.
    let head = NewPlugin.name.utf8.count + 5
    let check = head + (built.language == "python" ? 24 : 20)
    bytes[head + 4] = 0
    bytes.replaceSubrange(
      check..<check + 4,
      with: withUnsafeBytes(of: crc32(bytes[head..<check]).littleEndian, Array.init))
    let outcome = try built.workshop.readAll(try ScratchArchive(bytes))
    #expect(outcome.code == .corrupt)
    let words = #/a record (of d|is wrong|is too large)/#
    #expect(outcome.message.contains(words), "\(outcome.message)")
  }

  /// At once, or when the stream is read.
  private func expectCorrupt(_ bytes: [UInt8], _ built: Example) throws {
    let outcome = try built.workshop.readAll(try ScratchArchive(bytes))
    #expect(outcome.code == .corrupt, "\(outcome.message)")
  }

  /// A name, options, the status and what is said.
  private static let refusals: [(words: [String], status: Int32, text: String)] = [
    (["Acme"], 64, "'Acme' cannot be the name of a format: use 1 to 32 of a-z, 0-9 and -"),
    (["a/b"], 64, "'a/b' cannot be the name of a format"), ([".."], 64, "'..' cannot be the name"),
    ([""], 64, "'' cannot be the name of a format"),
    ([String(repeating: "x", count: 33)], 64, "cannot be the name of a format"),
    (["--language", "c", "--", "-x"], 64, "'-x' cannot be the name of a format"),
    (["x"], 64, "cannot make the plugin x: its language is missing"),
    (["x", "--language", "go"], 64, "there is no template in 'go'\nsluice: hint: there are c, "),
    (["x", "--language", "../c"], 64, "there is no template in '../c'"),
    (["x", "--language", "common"], 64, "there is no template in 'common'"),
    (["x", "--language", "c", "--directory", "no"], 66, "make the plugin x: cannot open no"),
    (["there", "--language", "c"], 73, "cannot make the plugin there: there already exists"),
  ]

  @Test(arguments: refusals.indices)
  func `is refused with its reason, and nothing is made`(index: Int) async throws {
    let (words, status, text) = Self.refusals[index]
    let place = try Scratch()
    try await place.shell("mkdir there && echo mine > there/file")
    let finding = try await sluice(["plugin", "new"] + words, in: place.directory)
    #expect(finding.status == status && finding.errors.contains(text), "\(finding.errors)")
    #expect(try place.names() == ["there"] && place.names("there") == ["file"])
  }

  @Test func `has a name of up to 32 characters, and is told to tools`() async throws {
    let name = String(repeating: "9", count: 32)
    let place = try Scratch()
    try await place.shell("mkdir d")
    let finding = try await sluice(
      ["plugin", "new", name, "--language", "python", "--directory", "d", "--json"],
      in: place.directory)
    #expect(finding.status == 0, "\(finding.errors)")
    #expect(finding.output.contains(#""event":"plugin-made""#))
    #expect(finding.output.contains(#""path":"\#(place.path("d/\(name)"))","files":[""#))
    #expect(try place.names("d") == [name])
    let files = try place.names("d/" + name)
    #expect(files.contains("\(name).json") && files.contains("sluice.py"), "\(files)")
    let words = "newformat\\|@CODE@\\|@NEEDS@\\|@SDK@"
    #expect(try await place.shell("grep -rl '\(words)' d | cat") == "")
  }

  @Test func `can be used where new files are writable by their group`() async throws {
    let place = try Scratch()
    try await place.shell(
      """
      chmod 755 . && umask 002 && '\(Build.directory)/sluice' plugin new x --language python &&
      test -z "$(find x -perm /022)" && make -C x >said 2>&1 && \
      '\(Build.directory)/sluice' plugin check --case core.info x/build/share/sluice/plugins
      """)
  }

  @Test func `is warned of a format that there is`() async throws {
    let place = try Scratch()
    let finding = try await sluice(
      ["plugin", "new", "raw", "--language", "python"], in: place.directory)
    #expect(finding.status == 0, "\(finding.errors)")
    #expect(finding.errors.contains("plugin \"raw\" has a format raw, too"), "\(finding.errors)")
  }

  @Test func `needs the templates, which may not be installed`() async throws {
    let (copy, place) = (try await PublicBuild(), try Scratch())
    let finding = try await sluice(
      ["plugin", "new", "x", "--language", "c"], in: place.directory, build: copy.directory)
    #expect(finding.status == 69, "\(finding.errors)")
    #expect(finding.errors.contains("there are no templates in "), "\(finding.errors)")
    #expect(try place.names() == [])
  }

  @Test(.enabled(if: Build.isRoot, "mounting needs root"))
  func `leaves nothing where there is no room for it`() async throws {
    let place = try Scratch()
    let said = try await place.shell(
      """
      mkdir small
      unshare --mount sh -c '
        mount -t tmpfs -o size=64k none small || exit 1
        "\(Build.directory)/sluice" plugin new x --language c --directory small && exit 1
        echo status $?; ls -A small | wc -l'
      """)
    #expect(said.contains("No space left on device") && said.contains("status 74\n0\n"), "\(said)")
  }

  @Test func `is there in every language that has a template`() async throws {
    #expect(try await NewPlugin.languages() == ["c", "python", "rust", "shell", "swift"])
  }

  @Test func `has at most 100 lines of its own`() async throws {
    for (language, code) in [
      ("c", "plugin.c"), ("python", "plugin.py"), ("rust", "src/main.rs"),
      ("swift", "Sources/plugin/Plugin.swift"),
    ] {
      let plugin = try await NewPlugin(language)
      let lines = try plugin.place.text("\(NewPlugin.name)/\(code)").split(separator: "\n")
      let own = lines.filter { line in
        let text = line.drop { $0 == " " }
        return !text.isEmpty && !["//", "/*", "\"\"\"", "#!", "# "].contains { text.hasPrefix($0) }
      }
      #expect(own.count <= 100, "\(language) has \(own.count)")
      #expect(lines.allSatisfy { $0.count <= 100 })
    }
  }
}
