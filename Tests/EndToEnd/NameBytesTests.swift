import CommandLine
import System
import Testing

/// Names that are not UTF-8, as Linux allows them: N is `latän` in Latin-1, M two bytes of nothing.
@Suite(.inTurns) struct NameBytesTests {
  private let place: Scratch

  init() throws {
    place = try Scratch()
    try place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 8192)])
  }

  /// What a shell prints whose commands all have to succeed.
  @discardableResult
  private func shell(_ command: String) async throws -> String {
    try await place.shell(
      "set -e; S='\(Build.directory)/sluice'; N=$(printf 'lat\\344n'); M=$(printf '\\377\\376')\n"
        + command)
  }

  @Test(arguments: ["raw", "qcow2", "vma", "tar", "ova"])
  func `names that are no text keep their bytes`(format: String) async throws {
    let said = try await shell(
      """
      mkdir "$N" && cp d.raw "$N/$M.img" && echo text > "$N/$N.conf"
      A="$N/$M.\(format)"
      $S backup --image "d=$N/$M.img,format=raw" --config "$N/$N.conf" --to "\(format)=$A"
      test -e "$A" && $S list "$A" && $S verify "./$A"
      $S restore "$A" --to "$M" && cmp d.raw "$M/d.raw" && cmp "$N/$N.conf" "$M/$N.conf"
      $S restore "$A" --disk "d=$M/$N.raw" --skip "$N.conf" && cmp d.raw "$M/$N.raw"
      $S convert "$A" --to "vma=$M.vma" && $S verify "$M.vma"
      """)
    #expect(said.contains("lat\\xE4n/\\xFF\\xFE.\(format) is complete"), "\(said)")
    #expect(said.contains("lat\\xE4n.conf"), "\(said)")
    #expect(try place.names().count == 5)
  }

  @Test func `an image in a format of QEMU is read by its bytes`() async throws {
    try await shell(
      """
      mkdir "$N" && qemu-img convert -O qcow2 d.raw "$N/$M.qcow2" && cd "$N"
      $S backup --image "d=$M.qcow2" --to raw=a && cmp ../d.raw a/d.raw
      """)
  }

  /// QEMU tells such a name with U+FFFD, and a file of that name may be there too.
  @Test(arguments: ["b\\344.raw", "b\\357\\277\\275.raw", "b\\364\\217\\273\\244.raw"])
  func `a backing file whose name QEMU cannot tell is refused`(name: String) async throws {
    let said = try await shell(
      """
      cp d.raw "$(printf 'b\\344.raw')" && cp d.raw "$(printf 'b\\357\\277\\275.raw')"
      cp d.raw "$(printf '\(name)')" 2> /dev/null || true
      qemu-img create -q -f qcow2 -b "$(printf '\(name)')" -F raw over.qcow2
      $S backup --image d=over.qcow2 --to raw=a || echo "= $?"
      """)
    #expect(said.contains("is not UTF-8") && said.contains("= 65"), "\(said)")
    #expect(!place.exists("a"))
  }

  @Test func `an output of a command and a receipt keep their bytes`() async throws {
    try await shell(
      """
      $S backup --image d=d.raw --to "vma=|cat > '$N'" --save-receipt "$M"
      test -s "$N" && test -s "$M" && $S verify "$N" --receipt "$M"
      """)
  }

  @Test func `events have absolute paths of such names`() async throws {
    let said = try await shell("$S backup --json --image d=d.raw --to \"raw=$N\"")
    #expect(said.contains("\(place.directory)/lat\u{10FEE4}n\""), "\(said)")
  }

  @Test func `a leftover whose name is no text is removed`() async throws {
    let said = try await shell(
      """
      $S backup --image d=d.raw --to "raw=$N" --rate-limit 1K > /dev/null &
      until ls -d .lat*sluice-*/archive > /dev/null 2>&1; do sleep 0.05; done
      kill -9 $! && sleep 1 && $S clean . && ls -A
      """)
    #expect(said.contains("lat\\xE4n"), "\(said)")
    #expect(try place.names() == ["d.raw"])
  }
}
