import Testing

@testable import Requests

/// Words that name disks, outputs and options.
@Suite struct GrammarTests {
  private typealias Image = BackupRequest.Image
  private typealias Output = BackupRequest.Output

  /// An image, a comma as it is written, and what it means.
  struct ImageWord {
    let text: String
    let name: String
    let path: String
    var format: ImageFormat?
  }

  @Test(arguments: [
    ImageWord(text: "d=disk.raw", name: "d", path: "disk.raw"),
    ImageWord(text: "d=a,,b.raw", name: "d", path: "a,b.raw"),
    ImageWord(text: "d=a,,,,b", name: "d", path: "a,,b"),
    ImageWord(text: "d,,1=x", name: "d,1", path: "x"),
    ImageWord(text: "d=a=b", name: "d", path: "a=b"),
    ImageWord(text: "d=x,format=vmdk", name: "d", path: "x", format: .vmdk),
    ImageWord(text: "d=x,,,format=raw", name: "d", path: "x,", format: .raw),
    ImageWord(text: "d=x,format=raw,format=qcow2", name: "d", path: "x", format: .qcow2),
    ImageWord(text: "d= x ", name: "d", path: " x "),
    ImageWord(text: "ä=ö", name: "ä", path: "ö"),
  ])
  func `an image has a name, a file and perhaps a format`(_ word: ImageWord) throws {
    let image = try Image(parsing: word.text)
    #expect(image.name == word.name && image.path == word.path && image.format == word.format)
  }

  @Test(arguments: ImageFormat.allCases)
  func `an image can be of each format`(_ format: ImageFormat) throws {
    #expect(try Image(parsing: "d=x,format=\(format.rawValue)").format == format)
  }

  @Test(arguments: [
    "", "d", "=", "d=", "=x", "d=,x", "d=x,", "d=x,raw", "d=x,format", "d=x,format=",
    "d=x,format=RAW", "d=x,format=qcow3", "d=x,Format=raw", "d=x,size=3", "d=x,format=raw,",
    "d,e=x",
  ])
  func `what is no image is refused as a whole`(_ text: String) {
    #expect(throws: RequestError.malformed(text)) { try Image(parsing: text) }
  }

  @Test(arguments: [
    ("raw=x", "raw", "raw"), ("raw:a=x", "raw", "a"), ("raw:raw=x", "raw", "raw"),
    ("a b:c d=x", "a b", "c d"),
  ])
  func `an output has a format and a label`(text: String, format: String, label: String) throws {
    let output = try Output(parsing: text)
    #expect(output.format == format && output.label == label)
    #expect(output.place.text == "x")
  }

  @Test(arguments: [
    "", "raw", "=x", ":=x", "raw:=x", ":a=x", "raw:a:b=x", "raw=", "raw:a=", "raw=|", "raw=|  ",
  ])
  func `what is no output is refused as a whole`(_ text: String) {
    #expect {
      try Output(parsing: text)
    } throws: {
      if case .malformed? = $0 as? RequestError { true } else { false }
    }
  }

  @Test(arguments: [
    ("-", OutputPlace.standardOutput), ("|zstd > x", .command("zstd > x")),
    ("|  cat", .command("cat")), ("||", .command("|")), ("./-", .path(NamePattern(literal: "./-"))),
    ("./|x", .path(NamePattern(literal: "./|x"))), ("--", .path(NamePattern(literal: "--"))),
    ("a:b=c,d", .path(NamePattern(literal: "a:b=c,d"))),
  ])
  func `a place is a path, a command or standard output`(
    text: String, place: OutputPlace
  ) throws {
    #expect(try Output(parsing: "raw=\(text)").place == place)
    #expect(OutputPlace(literal: text) == place)
  }

  @Test(arguments: ["-", "|cat", "a", "./-", "a{{b"])
  func `a place is written as it was read`(_ text: String) throws {
    #expect(try OutputPlace(parsing: text).text == text)
  }

  @Test func `streams have no name that could be withheld`() throws {
    #expect(OutputPlace.standardOutput.isStream && OutputPlace.command("cat").isStream)
    #expect(try !OutputPlace(parsing: "a").isStream)
  }

  @Test func `a command is quoted without what a terminal obeys`() throws {
    #expect(try OutputPlace(parsing: "|a\u{1B}[2Jb").name == "the command \"ab\"")
    #expect(OutputPlace.standardOutput.name == "standard output")
  }

  @Test(arguments: [
    ("raw.a=b", "raw", "a", "b"), ("raw.a=", "raw", "a", ""), ("raw.a=b=c", "raw", "a", "b=c"),
    ("raw.a.b=c", "raw", "a.b", "c"), ("raw.a=b.c", "raw", "a", "b.c"), ("x.y=,", "x", "y", ","),
  ])
  func `an option has a label, a key and a value`(
    text: String, label: String, key: String, value: String
  ) throws {
    let option = try BackupRequest.Option(parsing: text)
    #expect(option.label == label && option.key == key && option.value == value)
  }

  @Test(arguments: ["", "raw", "raw.a", "raw=a", "raw=a.b", ".a=b", "raw.=b", "=", ".="])
  func `what is no option is refused as a whole`(_ text: String) {
    #expect(throws: RequestError.malformed(text)) { try BackupRequest.Option(parsing: text) }
  }
}
