import BackupProtocol
import CommandLine
import Glibc
import ScriptedHost
import Testing

/// Another program that reads and writes archives.
enum Oracle: String, CaseIterable {
  case tar, bsdtar, python3

  var isThere: Bool { access("/usr/bin/\(rawValue)", X_OK) == 0 }

  static var areThere: Bool { allCases.allSatisfy(\.isThere) }

  /// Words of the shell that extract `archive` into `out`.
  var extraction: String {
    switch self {
    case .tar: "tar -C out -xSf archive"
    case .bsdtar: "LC_ALL=C.UTF-8 bsdtar -C out -xf archive"
    case .python3:
      "/usr/bin/python3 -c 'import tarfile; tarfile.open(\"archive\").extractall(\"out\")'"
    }
  }

  /// Expects that the program extracts an archive to the contents, and nothing but them and what
  /// every archive has, without a word of complaint.
  func expect(_ file: ScratchArchive, holds contents: [Content]) throws {
    let words = "rm -rf out && mkdir out && \(extraction)"
    #expect(
      try shell("cd \(file.place.directory) && { \(words) ; } > said 2>&1") == .exit(0))
    #expect(try file.place.bytes("said") == [], "\(rawValue)")
    var names = ["manifest.json", "SHA256SUMS"]
    for content in contents {
      let suffixes: [StreamDescription.Kind: String] = [.disk: ".raw", .vmstate: ".bin"]
      let name = content.stream.name + suffixes[content.stream.kind, default: ""]
      names.append(name)
      let bytes = try file.place.bytes("out/" + name)
      #expect(areEqual(bytes, content.bytes), "\(name) differs")
    }
    let found = "cd \(file.place.directory)/out && ls -A | wc -l | grep -qx '\(names.count)'"
    #expect(try shell("\(found) && sha256sum --quiet -c SHA256SUMS") == .exit(0))
  }
}
