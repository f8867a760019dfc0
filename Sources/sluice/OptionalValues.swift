/// Options whose value may be left out: `--vmstate`, `--vmstate stop` and `--vmstate=stop`.
///
/// ArgumentParser takes the last form for the first, whatever comes after the `=`, so it is given
/// as the second.
enum OptionalValues {
  private static let options: Set = ["--vmstate"]

  /// The words of a command line with such values as words of their own.
  static func separated(_ words: [String]) -> [String] {
    guard let end = words.firstIndex(of: "--") else { return words.flatMap(parts) }
    return words[..<end].flatMap(parts) + words[end...]
  }

  private static func parts(_ word: String) -> [String] {
    guard let equals = word.firstIndex(of: "="), options.contains(String(word[..<equals])) else {
      return [word]
    }
    return [String(word[..<equals]), String(word[word.index(after: equals)...])]
  }
}
