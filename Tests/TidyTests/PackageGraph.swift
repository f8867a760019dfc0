/// The targets of Package.swift with their dependencies, read from its text.
struct PackageGraph {
  struct Target {
    let kind: String
    let name: String
    let dependencies: [String]
    /// Below the top of the tree.
    let path: String
  }

  let targets: [Target]

  init() throws {
    let text = try Tree.text("Package.swift")
    let call = /(?:\.(target|executableTarget|systemLibrary)\(\s*name: |    tests\(\s*)"([^"]+)"/
    targets = text.matches(of: call).map { match in
      let body = Self.call(text[match.range.lowerBound...])
      let kind = match.output.1.map { String($0) } ?? "testTarget"
      let name = String(match.output.2)
      return Target(
        kind: kind, name: name, dependencies: Self.dependencies(body),
        path: body.firstMatch(of: /path: "([^"]+)"/).map { String($0.output.1) }
          ?? (kind == "testTarget" ? "Tests/" : "Sources/") + name)
    }
  }

  subscript(name: String) -> Target? { targets.first { $0.name == name } }

  /// Text up to the parenthesis that closes the first one.
  private static func call(_ text: Substring) -> Substring {
    var depth = 0
    for index in text.indices {
      if text[index] == "(" { depth += 1 }
      if text[index] == ")" { depth -= 1 }
      if depth == 0 && text[index] == ")" { return text[...index] }
    }
    return text
  }

  private static func dependencies(_ body: Substring) -> [String] {
    let list = /(?:dependencies: |tests\(\s*"\w+",\s*)\[([^\]]*)\]/
    guard let match = body.firstMatch(of: list) else { return [] }
    return match.output.1.matches(of: /"([^"]+)"/).map { String($0.output.1) }
  }
}
