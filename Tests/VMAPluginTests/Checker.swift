import CommandLine
import BackupProtocol
import Glibc
import ScriptedHost
import System
import Testing

/// `Tests/Support/vma-check`, which knows the format from its description alone.
enum Checker {
  static let canRun = access("/usr/bin/python3", X_OK) == 0

  private static let script =
    #filePath.split(separator: "/").dropLast(2).reduce("") { "\($0)/\($1)" }
    + "/Support/vma-check"

  /// Whether it accepts an archive; with `written`, as one that we wrote.
  static func accepts(_ file: ScratchArchive, written: Bool = true) throws -> Bool {
    let out = "\(file.place.directory)/report"
    let flag = written ? "--written" : ""
    return try shell("python3 '\(script)' \(flag) '\(file.path)' > '\(out)' 2>&1") == .exit(0)
  }

  /// Accepts the archive, and finds in it what belongs there.
  static func expect(_ file: ScratchArchive, holds contents: [Content], written: Bool = true) throws
  {
    let isAccepted = try accepts(file, written: written)
    let report = String(decoding: try file.place.bytes("report"), as: UTF8.self)
    #expect(isAccepted, "\(report)")
    let found = Set(report.split(separator: "\n").map(String.init))
    for content in contents {
      let kind = content.stream.kind.rawValue
      let digest = try sha256(content.bytes, in: file.place)
      let line = "\(kind) \(content.bytes.count) \(digest) \(content.stream.name)"
      #expect(found.contains(line), "no \"\(line)\" in \(report)")
    }
    #expect(found.count == contents.count)
  }

  /// As coreutils says.
  static func sha256(_ bytes: [UInt8], in place: Scratch) throws -> String {
    try place.create("content", bytes)
    let command = "cd '\(place.directory)' && sha256sum < content > digest"
    #expect(try shell(command) == .exit(0))
    return String(decoding: try place.bytes("digest").prefix(64), as: UTF8.self)
  }
}
