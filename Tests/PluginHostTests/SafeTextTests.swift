import System
import Testing

/// The one filter between what peers say and a terminal.
struct SafeTextTests {
  @Test(arguments: [
    ("plain – ä 漢 🙂", "plain – ä 漢 🙂"),
    ("one\ntwo\tthree\r", "one two three"),
    ("\u{1B}[31mred\u{1B}[0m", "red"),
    ("\u{1B}]0;title\u{7}", "itle"),
    ("\u{9B}2Jgone", "gone"),
    ("bell\u{7}\u{8}\u{7F}\u{85}", "bell"),
    ("evil\u{202E}gpj.exe\u{2066}x\u{2069}", "evilgpj.exex"),
    ("a\u{200B}b\u{200D}c\u{2060}d\u{FEFF}e\u{61C}f", "abcdef"),
    ("line\u{2028}paragraph\u{2029}", "lineparagraph"),
  ])
  func `what a peer says is one line of what can be seen`(text: String, shown: String) {
    #expect(sanitised(text.utf8) == shown)
  }

  @Test func `a line of JSON shows nothing that is not seen, and means the same`() {
    let name = "a\u{9B}2J\u{202E}b\u{2028}\u{E0041}\u{7F}"
    #expect(
      escaped(json: #"{"name":"\#(name) ä"}"#)
        == #"{"name":"a\u009b2J\u202eb\u2028\udb40\udc41\u007f ä"}"#)
    #expect(!isPlain(name) && isPlain("disk ä 漢"))
  }

  @Test func `bytes that are no text are shown as such`() {
    #expect(sanitised([0x61, 0xFF, 0x62]) == "a\u{FFFD}b")
    #expect(sanitisedLines(Array("one\n\n\u{1B}[2Jtwo\n".utf8)) == ["one", "two"])
  }
}
