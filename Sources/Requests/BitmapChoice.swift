/// Which dirty bitmaps of earlier backups are to be removed from a machine.
package enum BitmapChoice: RequestWord, Equatable {
  case all
  /// Of backups that are at least as old, as far as that is known.
  case olderThan(Age)
  /// Of the backup whose ID begins with these digits.
  case backup(String)

  private static let agePrefix = "older-than="
  private static let digitCounts = 4...32

  package init(parsing text: String) throws(RequestError) {
    if text == "all" {
      self = .all
    } else if text.hasPrefix(Self.agePrefix) {
      self = .olderThan(try Age(parsing: String(text.dropFirst(Self.agePrefix.count))))
    } else if Self.digitCounts.contains(text.utf8.count), text.allSatisfy(\.isHexDigit) {
      self = .backup(text.lowercased())
    } else {
      throw .malformed(text)
    }
  }
}
