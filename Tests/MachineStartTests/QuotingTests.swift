import CommandLine
import MachineStart
import Testing

/// Whatever a word is, the shell passes it on as it is.
@Suite(.inTurns) struct QuotingTests {
  @Test(arguments: [
    "", "plain", "$(touch made)", "`touch made`", "it's", "''", "a b", "\\", "\"", "$HOME", "-n",
    "*", "~", "#", "!x", "a;b", "&", "|", ">x", "ä\u{301}", "{a,b}", "'\u{301}x'",
  ])
  func `a word comes out as it went in`(_ word: String) async throws {
    let files = try Scratch()
    let quoted = try ScriptWord(word).quoted()
    let said = try await files.shell("printf '<%s>' \(quoted); ls")
    #expect(said == "<\(word)>")
  }

  @Test(arguments: ["a\nb", "a\rb", "a\u{1B}[0m", "a\u{202E}b", "a\u{0}b"])
  func `what is not seen is refused`(_ word: String) {
    #expect(throws: StartError.self) { try ScriptWord(word).quoted() }
  }
}
