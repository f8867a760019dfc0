import CommandLine
import Testing

/// A plugin that `sluice plugin new` has made in a directory of its own, with `sluice` on the PATH
/// of its shell.
struct NewPlugin {
  static let name = "acme-9"
  let language: String
  let place: Scratch
  var folder: String { place.path(Self.name) }

  init(_ language: String) async throws {
    (self.language, place) = (language, try Scratch())
    // A script is started by nobody in particular.
    try await place.shell("chmod 755 . && mkdir bin && ln -s '\(Build.directory)/sluice' bin")
    let made = try await sluice(
      ["plugin", "new", Self.name, "--language", language], in: place.directory)
    try #require(made.status == 0 && made.errors.isEmpty, "\(made.errors)")
  }

  /// Languages that have a template, as the program itself says.
  static func languages() async throws -> [String] {
    let finding = try await sluice(["plugin", "new", "x"])
    let names = try #require(finding.errors.firstMatch(of: /and one of ([a-z, ]+)\n/))
    return names.output.1.split(separator: ", ").map(String.init)
  }

  /// Runs commands as its vendor types them. What is built in Swift is built where the example is,
  /// so that all of it but the plugin is there already.
  @discardableResult
  func shell(_ commands: String) async throws -> String {
    try await place.shell(
      """
      set -e; cd \(Self.name); umask 077; home=$(getent passwd "$(id -u)" | cut -d: -f6)
      export HOME="$home" PATH="\(place.path("bin")):$PATH:$home/.cargo/bin:\(Example.path)"
      export SLUICE_SOURCE='\(Example.source)' SWIFTPM_BUILD_DIR='\(Example.swiftScratch)'
      \(commands)
      """, within: 600)
  }

  /// What stands in its README between fences of a kind, in order.
  func printed(_ fence: String) throws -> [String] {
    let blocks = try place.text("\(Self.name)/README.md").matches(of: #/\n```(\w*)\n([^`]+)```\n/#)
    return blocks.filter { $0.output.1 == fence }.map { String($0.output.2) }
  }

  /// What is run, where it is a script.
  var script: String? { ["python": "plugin.py", "shell": "plugin.sh"][language] }

  /// As it was built, for a host that speaks to it frame by frame.
  var built: Example {
    let place = script == nil ? "libexec/sluice/writers" : "share/sluice/plugins/\(Self.name)"
    return Example(
      language: language, program: script ?? Self.name,
      folder: "\(folder)/build/\(place)", format: Self.name)
  }
}
