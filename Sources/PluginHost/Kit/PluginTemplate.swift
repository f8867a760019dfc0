internal import JSON
internal import System

/// A plugin that works, in one language, whose format is called `newformat`: what that name
/// becomes makes a new plugin of it.
package struct PluginTemplate: Sendable {
  /// A file of a new plugin.
  struct File: Sendable {
    /// Below the plugin's folder.
    let path: String
    var bytes: [UInt8]
    let isProgram: Bool
  }

  /// What a template says of itself: one file of it that no plugin gets.
  static let aboutName = "about.json"
  /// The name of every template's format, which occurs nowhere else in it.
  private static let placeholder = "newformat"
  /// Of one file; sources are not larger.
  private static let fileBytesMax = 4 << 20
  /// Folders within folders.
  private static let depthMax = 8

  package let language: String
  /// What its vendor types before the first `make`: of a language that needs more than a compiler.
  package private(set) var first: [String] = []
  /// By their paths; what a language has comes before what all have.
  private var own: [String: File] = [:]
  /// Those of the SDK, which are copied as they are.
  private var copies: [String: File] = [:]
  /// Words in files, and what they become.
  private var words: [(String, String)] = []

  init(_ language: String, in kit: PluginKit) throws(NewPluginError) {
    self.language = language
    let folder = kit.directory + "/new"
    do throws(SystemCallError) {
      own = try Self.files(below: "\(folder)/common")
      own.merge(try Self.files(below: "\(folder)/\(language)")) { $1 }
    } catch { throw .template("\(error)") }
    guard let about = own.removeValue(forKey: Self.aboutName)?.bytes,
      case .object(let members)? = try? JSONValue(parsing: about),
      case .object(let sources)? = members["copies"]
    else { throw .template("\(folder)/\(language)/\(Self.aboutName) is malformed") }
    for (word, name) in [("@CODE@", "code"), ("@NEEDS@", "needs"), ("@SDK@", "sdk")] {
      if case .string(let text)? = members[name] { words.append((word, text)) }
    }
    first = members["first"]?.array?.compactMap(\.string) ?? []
    for source in sources.members {
      guard case .string(let from) = source.value else { continue }
      do throws(SystemCallError) {
        try Self.collect("\(kit.directory)/\(from)", as: source.name, into: &copies, depth: 0)
      } catch { throw .template("\(error)") }
    }
  }

  /// The files of a plugin of that name, by their paths.
  func files(named name: String) -> [File] {
    let renamed = own.values.map { file in
      var text = String(decoding: file.bytes, as: UTF8.self)
      for (word, meaning) in words + Self.names(name) { text.replace(word, with: meaning) }
      let path = file.path.replacing(Self.placeholder, with: name)
      return File(path: path, bytes: Array(text.utf8), isProgram: file.isProgram)
    }
    return (renamed + copies.values).sorted { $0.path < $1.path }
  }

  /// The name, also as manifests have it in the first bytes of archives.
  private static func names(_ name: String) -> [(String, String)] {
    [(placeholder, name), (hexadecimal(placeholder), hexadecimal(name))]
  }

  private static func hexadecimal(_ text: String) -> String {
    text.utf8.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }
}

extension PluginTemplate {
  private static func files(below directory: String) throws(SystemCallError) -> [String: File] {
    var files: [String: File] = [:]
    try collect(directory, as: "", into: &files, depth: 0)
    return files
  }

  /// Reads a file, or all files below a directory.
  private static func collect(
    _ source: String, as path: String, into files: inout [String: File], depth: Int
  ) throws(SystemCallError) {
    let status = try FileStatus(path: source)
    guard status.kind == .directory, depth < depthMax else {
      let bytes = try readSmallFile(source, limit: fileBytesMax)
      files[path] = File(path: path, bytes: bytes, isProgram: status.permissions & 0o100 != 0)
      return
    }
    for name in try listDirectory(source) {
      let inner = path.isEmpty ? name : "\(path)/\(name)"
      try collect("\(source)/\(name)", as: inner, into: &files, depth: depth + 1)
    }
  }
}
