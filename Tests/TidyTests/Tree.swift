import Glibc
import System

/// The files of this repository, as they lie in the working tree.
struct Tree {
  /// Absolute path of the top, found from this file's own.
  static let top = String(#filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" })

  /// A file: its path below the top and its lines.
  struct File {
    let path: String
    let lines: [Substring]
    var name: Substring { path.split(separator: "/").last ?? "" }
  }

  /// Every file below some directories whose name ends in one of the suffixes.
  static func files(in directories: [String], _ suffixes: [String]) throws -> [File] {
    var files: [File] = []
    for directory in directories { try collect(directory, suffixes, &files) }
    return files
  }

  /// Swift and C that is ours; Package.swift and what SwiftPM made are not among it.
  static func sources(in directories: [String] = ["Sources", "Plugins", "Tests"]) throws -> [File] {
    try files(in: directories, [".swift", ".c", ".h"])
  }

  /// The whole text of a file.
  static func text(_ path: String) throws -> String {
    String(decoding: try readSmallFile("\(top)/\(path)", limit: 4 << 20), as: UTF8.self)
  }

  static func exists(_ path: String) -> Bool { access("\(top)/\(path)", F_OK) == 0 }

  private static func collect(
    _ path: String, _ suffixes: [String], _ files: inout [File]
  ) throws {
    for name in try listDirectory("\(top)/\(path)").sorted() where !name.hasPrefix(".") {
      let child = "\(path)/\(name)"
      if try FileStatus(path: "\(top)/\(child)").kind == .directory {
        try collect(child, suffixes, &files)
      } else if suffixes.contains(where: name.hasSuffix) {
        let lines = try text(child).split(separator: "\n", omittingEmptySubsequences: false)
        files.append(File(path: child, lines: lines))
      }
    }
  }
}
