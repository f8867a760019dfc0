import CommandLine
import Glibc
import System
import Testing

/// Directories in which another user may change names.
@Suite(.inTurns, .enabled(if: Build.isRoot, "root writes where others may"))
struct SharedTargetTests {
  private let place: Scratch

  init() throws {
    place = try Scratch()
    try place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 4096)])
  }

  private func backUp(to name: String, _ more: [String] = []) async throws -> Finding {
    try await sluice(
      ["backup", "--image", "d=d.raw", "--to", "vma=\(name)"] + more, in: place.directory)
  }

  @Test(arguments: ["chown 65534 dir", "chmod 777 dir", "chgrp 65534 dir && chmod 770 dir"])
  func `root's backup is refused where another user may write`(how: String) async throws {
    try await place.shell("mkdir dir && \(how)")
    let refused = try await backUp(to: "dir/a.vma")
    #expect(refused.status == 73)
    #expect(refused.errors.contains("--shared-target"))
    #expect(try place.names("dir") == [])
    let meant = try await backUp(to: "dir/a.vma", ["--shared-target"])
    #expect(meant.status == 0, "\(meant.errors)")
    #expect(try place.names("dir") == ["a.vma", "a.vma.sluice.json"])
  }

  @Test(arguments: ["chmod 1777 dir", "chmod 755 dir", "chmod 700 dir"])
  func `root's backup is made where no one else changes names`(how: String) async throws {
    try await place.shell("mkdir dir && \(how)")
    let finding = try await backUp(to: "dir/a.vma")
    #expect(finding.status == 0, "\(finding.errors)")
  }

  @Test func `a restore where another user may write warns`() async throws {
    try await place.shell("mkdir dir && chown 65534 dir")
    #expect(try await backUp(to: "a.vma").status == 0)
    for target in [["--to", "dir/x"], ["--disk", "d=dir/x.raw"], ["--disk", "d=dir/x.qcow2"]] {
      let finding = try await sluice(["restore", "a.vma"] + target, in: place.directory)
      #expect(finding.status == 0, "\(finding.errors)")
      #expect(finding.errors.contains("another user can write to"))
    }
    #expect(try place.names("dir") == ["x", "x.qcow2", "x.raw"])
    #expect(try place.status("dir/x.raw").owner == 0)
  }

  /// The owner of the directory exchanges everything that has our form, as fast as it can.
  @Test func `who owns the directory gets nothing of root's published`() async throws {
    try await place.shell("mkdir dir && chown 65534 dir && chmod 755 . dir")
    let attacker = try Program(
      [
        "/bin/sh", "-c",
        """
        cd dir; while :; do for f in .*.sluice-* a.vma; do
          if [ -e "$f" ] && [ ! -O "$f" ]; then
            mv "$f" "stolen.$$.$n" 2>/dev/null; n=$((n+1)); mkdir "$f" 2>/dev/null
            echo forged > "$f/archive" 2>/dev/null; echo forged > "$f/receipt" 2>/dev/null
          fi; done; done
        """,
      ], in: place.directory, user: Build.nobody)
    for _ in 0..<6 {
      let finding = try await backUp(to: "dir/a.vma", ["--shared-target"])
      if finding.status == 0 { continue }
      #expect(finding.status == 73 || finding.status == 74, "\(finding.errors)")
      try await place.shell("rm -rf dir/a.vma*")
    }
    attacker.send(9)
    _ = try await attacker.finding()
    // Nothing of root's has the attacker's bytes, and nothing of the attacker's has root's.
    let output = try await place.shell(
      """
      find dir -type f -user 0 -exec grep -l forged {} + || true
      find dir -type f -user 65534 -size +1k -print
      """)
    #expect(output == "")
  }
}
