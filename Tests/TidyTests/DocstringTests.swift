import Testing

/// What authors of plugins see says what it is.
@Suite struct DocstringTests {
  private static let folders = [
    "Sources/BackupProtocol", "Sources/WriterKit", "Sources/ArchiveBytes", "Sources/ArchiveFiles",
    "Sources/TestHost",
  ]

  @Test func `every public declaration of protocol and kit has a docstring`() throws {
    for file in try Tree.files(in: Self.folders, [".swift"]) {
      for line in Self.undocumented(file.lines) {
        Issue.record("\(file.path):\(line) is public and does not say what it is")
      }
    }
  }

  @Test func `a docstring may stand before attributes, and nothing else`() {
    let lines: [Substring] = [
      "/// Said.", "@inlinable", "public func said() {}", "", "public var bare = 1",
      "// Not one.", "  @discardableResult", "  public func alsoBare() {}",
      "public extension Int {}", "public import JSON",
    ]
    #expect(Self.undocumented(lines) == [5, 8])
  }

  /// Numbers of lines that declare something public without a docstring above.
  private static func undocumented(_ lines: [Substring]) -> [Int] {
    lines.indices.filter { index in
      guard isPublicDeclaration(lines[index]) else { return false }
      let above = lines[..<index].last { !trimmed($0).hasPrefix("@") }
      return above.map { !trimmed($0).hasPrefix("///") } ?? true
    }.map { $0 + 1 }
  }

  private static func isPublicDeclaration(_ line: Substring) -> Bool {
    let words = trimmed(line).split(separator: " ").drop { $0.hasPrefix("@") }
    guard words.first == "public", let second = words.dropFirst().first else { return false }
    return second != "import" && second != "extension"
  }

  private static func trimmed(_ line: Substring) -> Substring { line.drop { $0 == " " } }
}
