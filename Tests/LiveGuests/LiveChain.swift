import CommandLine
import JSON
import LiveGuest
import System
import Testing

/// A chain of backups of running guests, made one after the other in one directory.
struct LiveChain {
  let directory: Scratch
  /// What the disks are called in the archives.
  let disks: [String]

  init(_ guest: LiveGuest) throws {
    directory = try Scratch()
    disks = guest.setup.diskNames
  }

  func path(_ name: String) -> String { directory.path(name) }

  static func arguments(
    _ guest: LiveGuest, _ name: String, _ level: String, in chain: LiveChain
  ) -> [String] {
    var words = [
      "backup", "--qmp", guest.qmp, "--json", "--to", "qcow2=\(chain.path(name))", "--level", level,
    ]
    if level != "full" { words += ["--parent", chain.directory.directory] }
    return words
  }

  /// Makes a backup; QEMU is as before but for bitmaps of ours.
  ///
  /// - Parameter before: What was in QEMU before somebody died; `nil` looks now.
  /// - Returns: How each disk was stored: `full`, `bitmap` or `compare`.
  @discardableResult
  func backUp(
    _ guest: LiveGuest, _ name: String, _ level: String = "incremental",
    before: BlockState? = nil
  ) async throws -> [String] {
    let before = try (before ?? guest.blockState()).withoutOwnBitmaps
    let finding = try await sluice(
      Self.arguments(guest, name, level, in: self), in: guest.files.directory, within: 180)
    try #require(finding.status == 0, "\(name): \(finding.errors)")
    #expect(finding.left == [])
    let after = try guest.blockState().withoutOwnBitmaps
    #expect(after.filter { !before.contains($0) } == [], "\(name)")
    #expect(before.filter { !after.contains($0) } == [], "\(name)")
    #expect(try guest.runState == "running")
    return try Self.methods(finding)
  }

  /// As ``backUp(_:_:_:before:)``, of a machine that never runs.
  @discardableResult
  func backUpStill(_ guest: LiveGuest, _ name: String, _ level: String) async throws -> [String] {
    let finding = try await sluice(
      Self.arguments(guest, name, level, in: self), in: guest.files.directory, within: 180)
    try #require(finding.status == 0, "\(name): \(finding.errors)")
    return try Self.methods(finding)
  }

  /// How each disk was stored.
  private static func methods(_ finding: Finding) throws -> [String] {
    let events = try finding.output.split(separator: "\n").map {
      try JSONValue(parsing: Array($0.utf8), depthMax: 16)
    }
    return events.filter { $0["event"] == "captured" }.compactMap { $0["method"]?.string }
  }

  /// Restores an archive: both disks are one instant, and what QEMU reads of the chain.
  func expectOneInstant(_ name: String) async throws {
    let restored = path("\(name).restored")
    let finding = try await sluice(
      ["restore", path(name), "--to", restored], in: directory.directory, within: 180)
    try #require(finding.status == 0, "\(name): \(finding.errors)")
    let found = try await instantCheck("\(restored)/\(disks[0]).raw", "\(restored)/\(disks[1]).raw")
    #expect(found.isOne, "\(name): \(found.words)")
    for disk in disks {
      try await directory.shell(
        """
        qemu-img check -q \(name)/\(disk).qcow2 &&
        qemu-img compare -q -F raw -f qcow2 \(name)/\(disk).qcow2 \(restored)/\(disk).raw
        """)
    }
    try await directory.shell("rm -r \(restored)")
  }

  /// Verifies the archive and all of its parents.
  func verify(_ name: String) async throws {
    let finding = try await sluice(["verify", path(name)], in: directory.directory, within: 180)
    #expect(finding.status == 0, "\(name): \(finding.errors)")
  }
}

extension BlockState {
  /// Without the dirty bitmaps that begin at backups, which stay in QEMU on purpose.
  var withoutOwnBitmaps: [String] {
    lines.filter { line in
      let words = line.split(separator: " ")
      guard words.count > 2, words[0] == "bitmap", words[2].hasPrefix("sluice-") else {
        return true
      }
      return !words[2].dropFirst("sluice-".count + 32).hasPrefix(".")
    }
  }

  /// Dirty bitmaps that begin at backups.
  var ownBitmaps: [String] { lines.filter { !withoutOwnBitmaps.contains($0) } }
}
