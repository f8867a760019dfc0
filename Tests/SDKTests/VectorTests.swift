import CommandLine
import System
import Testing

/// The vectors of protocol.md §21 in the decoders of the SDKs.
@Suite(.inTurns) struct `The vectors in the SDKs` {
  private static let root = Build.directory + "/../../.."
  private static let sources = root + "/Tests/Support/sdk-vectors"

  /// A decoder and what builds it, in a folder that has the vectors as bytes.
  struct Decoder: CustomTestStringConvertible {
    let language: String
    let build: String
    let run: String
    /// What needs tables of Unicode, which the language's library does not have.
    var cannot: Set<String> = ["job-stream-name-normalised-twice"]

    var testDescription: String { language }
  }

  static let decoders: [Decoder] = [
    Decoder(
      language: "python", build: "true",
      run: "python3 -B '\(sources)/vectors.py' '\(root)/Plugins/sdk/python'", cannot: []),
    Decoder(
      language: "c",
      build: """
        gcc -std=c11 -g -fsanitize=address,undefined -I '\(root)/Plugins/sdk/c' -o vectors \
          '\(sources)/vectors.c'
        """, run: "ASAN_OPTIONS=detect_leaks=0 ./vectors"),
    Decoder(
      language: "rust",
      build: """
        export HOME=$(getent passwd "$(id -u)" | cut -d: -f6)
        PATH=$PATH:$HOME/.cargo/bin rustc --edition 2021 -O -o vectors '\(sources)/vectors.rs' \
          --extern sluice_plugin='\(Example.rustLibrary)'
        """, run: "./vectors"),
  ].filter { $0.language != "rust" || Example.hasRust }

  @Test(arguments: decoders)
  func `are answered as expected`(_ decoder: Decoder) async throws {
    let place = try Scratch()
    let answers = try await place.shell(
      """
      set -e; python3 -B '\(Self.root)/Tests/Vectors/make-vectors.py' --corpus corpus
      \(decoder.build)
      cd '\(Self.root)/Tests/Vectors/v1'
      for name in *; do
        first=$(sed -n 's/^first-seq: //p;/^$/q' $name)
        set -- "$@" \(place.directory)/corpus/$name:${first:-0}
      done
      cd \(place.directory); \(decoder.run) "$@"
      """, within: 300)
    var decoded = 0
    for line in answers.split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 1).map(String.init)
      let keys = try await Self.keys(words[0], place)
      // Whatever ERROR says, it is the end of input (§4.5).
      if words[1] == "not-for-a-plugin" || words[0].hasPrefix("error-") { continue }
      if decoder.cannot.contains(words[0]) { continue }
      let expected = [keys["expect"], keys["frames"]].compactMap(\.self).joined(separator: " ")
      #expect(words[1] == expected, "\(words[0])")
      decoded += 1
    }
    #expect(decoded > 260)
  }

  private static func keys(_ name: String, _ place: Scratch) async throws -> [String: String] {
    let text = try String(decoding: vectorBytes(name), as: UTF8.self)
    var keys: [String: String] = [:]
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).prefix(while: {
      !$0.isEmpty
    }) {
      let parts = line.split(separator: ": ", maxSplits: 1).map(String.init)
      if parts.count == 2 { keys[parts[0]] = parts[1] }
    }
    return keys
  }

  private static func vectorBytes(_ name: String) throws -> [UInt8] {
    try readSmallFile("\(root)/Tests/Vectors/v1/\(name)", limit: 1 << 22)
  }
}
