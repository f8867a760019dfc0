import Testing

/// Links between documents, and the events that a document describes.
@Suite struct LinkTests {
  private static let documents: [String] = {
    let top = ["README.md", "SPECIFICATION.md", "CONTRIBUTING.md", "SECURITY.md", "protocol.md"]
    let below = (try? Tree.files(in: ["docs", "Plugins"], [".md"]).map(\.path)) ?? []
    return top + below
  }()

  @Test func `the documents are found`() {
    for document in ["docs/ARCHITECTURE.md", "docs/reference.md", "docs/guide/README.md"] {
      #expect(Self.documents.contains(document))
    }
  }

  @Test(arguments: documents)
  func `a link leads to a file of the tree, and to a heading in it`(_ document: String) throws {
    let folder = document.split(separator: "/").dropLast().map { "\($0)/" }.joined()
    for match in try Tree.text(document).matches(of: /\]\(([^):]+)\)/) {
      let parts = match.output.1.split(
        separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
      let path = parts[0].isEmpty ? document : folder + parts[0]
      #expect(Tree.exists(path), "\(document) links to \(path)")
      guard parts.count == 2, Tree.exists(path) else { continue }
      let headings = try Self.headings(path)
      #expect(
        headings.contains(String(parts[1])), "\(document) links to \(path)#\(parts[1])")
    }
  }

  @Test func `every guide and decision is in its index`() throws {
    for folder in ["docs/guide", "docs/decisions"] {
      let index = try Tree.text("\(folder)/README.md")
      for file in try Tree.files(in: [folder], [".md"]) where file.name != "README.md" {
        #expect(index.contains("](\(file.name))"), "\(folder)/README.md lacks \(file.name)")
      }
    }
  }

  /// Names of headings as GitHub makes anchors of them.
  private static func headings(_ path: String) throws -> Set<String> {
    var isCode = false
    var anchors: Set<String> = []
    for line in try Tree.text(path).split(separator: "\n") {
      if line.hasPrefix("```") { isCode.toggle() }
      guard !isCode, line.hasPrefix("#") else { continue }
      let words = line.drop { $0 == "#" }.dropFirst().lowercased()
      anchors.insert(
        String(words.filter { $0.isLetter || $0.isNumber || "-_ ".contains($0) })
          .replacing(" ", with: "-"))
    }
    return anchors
  }
}
