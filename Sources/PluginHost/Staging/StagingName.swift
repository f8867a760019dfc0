internal import System

/// The form of a staging place's name: `.NAME.sluice-ID`, the ID being 32 hexadecimal digits.
package enum StagingName {
  private static let separator = ".sluice-"
  private static let digitCount = 32
  /// Bytes that a directory entry may have, on every file system Linux knows.
  private static let entryBytesMax = 255
  /// Bytes of the longest name that leaves room for the form around it.
  package static let targetBytesMax = entryBytesMax - 1 - separator.utf8.count - digitCount

  /// - Parameter id: The job's, of 32 hexadecimal digits.
  static func make(_ name: String, id: String) -> String {
    precondition(isID(id[...]), "a job's id has 32 hexadecimal digits")
    return ".\(name)\(separator)\(id)"
  }

  /// The target's name and the job's id, if `name` is exactly of the form: all else is the user's.
  static func parse(_ name: String) -> (target: String, id: String)? {
    let tail = separator.utf8.count + digitCount
    guard name.hasPrefix("."), name.utf8.count > 1 + tail else { return nil }
    let end = name.utf8.index(name.endIndex, offsetBy: -tail)
    let id = Substring(name.utf8.suffix(digitCount))
    guard name.utf8[end...].starts(with: separator.utf8), isID(id) else { return nil }
    return (String(name[name.index(after: name.startIndex)..<end]), String(id))
  }

  /// Why a path cannot name an archive; `nil` if it can.
  static func complaint(about name: String) -> String? {
    if name.isEmpty || name == "." || name == ".." || name == "/" {
      return "the last path component is not a file name"
    }
    if name.utf8.contains(0) { return "it contains a NUL" }
    let count = nameBytes(name).count
    if count > targetBytesMax {
      return "the last path component has \(count) bytes (maximum \(targetBytesMax))"
    }
    return parse(name) == nil ? nil : "names of this form are reserved for Sluice's staging files"
  }

  private static func isID(_ text: Substring) -> Bool {
    text.utf8.count == digitCount
      && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }
}
