/// Where the functions of a file begin and how long they are, told by indentation.
struct Functions {
  let line: Int
  let lineCount: Int

  static func of(_ file: Tree.File) -> [Functions] {
    file.lines.indices.compactMap { start in
      let isStart = file.path.hasSuffix(".swift") ? isSwift : isC
      guard isStart(file.lines[start]), let end = end(file.lines, from: start) else { return nil }
      return Functions(line: start + 1, lineCount: end - start + 1)
    }
  }

  private static func isSwift(_ line: Substring) -> Bool {
    let words = line.split(separator: " ")
    return words.prefix(6).contains { word in
      word == "func" || word == "deinit" || word.hasPrefix("init(") || word.hasPrefix("init?(")
        || word.hasPrefix("init<")
    } && !line.drop(while: { $0 == " " }).hasPrefix("//")
  }

  /// A definition at the left margin: neither a label, a directive nor a comment.
  private static func isC(_ line: Substring) -> Bool {
    guard let first = line.first, first.isLetter, line.contains("(") else { return false }
    return !line.hasSuffix(";")
  }

  /// The line that closes what begins at `start`; `nil` for what has no body of several lines.
  private static func end(_ lines: [Substring], from start: Int) -> Int? {
    let margin = lines[start].prefix { $0 == " " }
    // A signature of many lines still opens its body within a dozen.
    let opening = lines[start...].prefix(12).firstIndex { $0.hasSuffix("{") }
    guard let opening, !lines[start..<opening].contains(where: { $0.hasSuffix("}") }) else {
      return nil
    }
    return lines[opening...].firstIndex { $0 == margin + "}" }
  }
}
