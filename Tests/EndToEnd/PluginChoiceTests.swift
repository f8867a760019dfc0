import CommandLine
import System
import Testing

/// Which plugin is used where several are installed, and what is said where none can be.
@Suite(.inTurns, .enabled(if: ScriptFolder.canRun, "needs perl and python3"))
struct PluginChoiceTests {
  /// An installation with the plugin `raw`, and one of a vendor that claims the same format, as
  /// packages lay them out.
  private final class Installation: Sendable {
    let files: Scratch
    var build: String { files.path("bin") }
    func manifest(_ name: String) -> String { files.path("share/sluice/plugins/\(name).json") }

    init() async throws {
      files = try Scratch()
      let vendor = try await ScriptFolder(
        .minimal,
        change: """
          sed -i 's/"name": "minimal", "modes"/"name": "raw", "modes"/' minimal.py minimal.json
          sed -i 's,"minimal.py","minimal/minimal.py",' minimal.json
          """)
      let tree = Build.directory + "/../../.."
      try await files.shell(
        """
        chmod 755 . && mkdir -p bin libexec/sluice/writers share/sluice/plugins/minimal
        cp '\(Build.directory)/sluice' bin
        cp '\(Build.directory)/sluice-launcher' '\(Build.directory)/sluice-sink' libexec/sluice
        cp '\(Build.directory)/sluice-writer-raw' libexec/sluice/writers
        cd share/sluice/plugins
        sed 's,"sluice-writer-raw","../../../libexec/sluice/writers/sluice-writer-raw",' \
          '\(tree)/Plugins/raw/raw.json' > raw.json
        cp '\(vendor.path)/minimal.json' . && cp '\(vendor.path)/minimal.py' minimal
        """)
    }
  }

  private static let contest = "the format \"raw\" is claimed by plugin \"minimal\" ("

  @Test func `a format that two installed plugins claim is an error that names both`() async throws
  {
    let (host, place) = (try await Installation(), try Scratch())
    try place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 70_000)])
    let made = try await sluice(
      ["backup", "--image", "d=d.raw", "--to", "raw=good"], in: place.directory)
    try #require(made.status == 0, "\(made.errors)")
    for verb in [
      ["backup", "--image", "d=d.raw", "--to", "raw=out"], ["list", "good"], ["verify", "good"],
      ["restore", "good", "--to", "out"], ["convert", "good", "--to", "raw=out"],
      ["verify", "good", "--format", "raw"], ["plugin", "info", "raw"],
    ] {
      let finding = try await sluice(verb, in: place.directory, build: host.build)
      #expect(finding.status == 69, "\(verb): \(finding.errors)")
      #expect(
        finding.errors.contains(Self.contest + host.manifest("minimal") + ")")
          && finding.errors.contains("and by plugin \"raw\" (" + host.manifest("raw") + ")"),
        "\(verb): \(finding.errors)")
      #expect(finding.errors.contains("--plugin-path " + host.manifest("minimal")))
    }
    #expect(try place.names() == ["d.raw", "good"])
  }

  @Test func `doctor and plugin list tell a contest`() async throws {
    let host = try await Installation()
    let doctor = try await sluice(["doctor"], build: host.build)
    #expect(doctor.output.contains("WARN  " + Self.contest), "\(doctor.output)")
    let list = try await sluice(["plugin", "list"], build: host.build)
    #expect(list.status == 0 && list.errors.contains(Self.contest), "\(list.errors)")
  }

  @Test(arguments: ["raw", "minimal"])
  func `a manifest that is named with --plugin-path decides`(name: String) async throws {
    let (host, place) = (try await Installation(), try Scratch())
    try place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 70_000)])
    let path = ["--plugin-path", host.manifest(name)]
    let made = try await sluice(
      ["backup", "--image", "d=d.raw", "--to", "raw=out"] + path, in: place.directory,
      build: host.build)
    #expect(made.status == 0, "\(made.errors)")
    #expect(!made.errors.contains("claimed"), "\(made.errors)")
    try await place.shell(name == "raw" ? "cmp d.raw out/d.raw" : "cmp d.raw out/d")
  }

  @Test func `a plugin that needs a later version of Sluice names both`() async throws {
    let plugins = try await ScriptFolder(
      .minimal,
      change: #"sed -i 's/"manifest": 1,/& "min_host": "99.0.0",/' minimal.json"#)
    let words = "it needs Sluice 99.0.0 or later, and this is "
    let path = ["--plugin-path", plugins.path]
    let doctor = try await sluice(["doctor"] + path)
    #expect(doctor.output.contains(words) && doctor.output.contains("hint: update Sluice"))
    let backup = try await sluice(["backup", "--image", "d=/dev/null", "--to", "minimal=x"] + path)
    #expect(backup.status == 69 && backup.errors.contains(words), "\(backup.errors)")
    #expect(backup.errors.contains("hint: update Sluice"), "\(backup.errors)")
  }
}
