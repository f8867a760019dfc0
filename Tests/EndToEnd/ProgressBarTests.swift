import CommandLine
import System
import Testing

/// What a job draws on a terminal.
@Suite(.inTurns, .enabled(if: Build.has("script"), "needs script(1), which makes a terminal"))
struct ProgressBarTests {
  /// All that a restore of two seconds writes to a terminal of so many columns.
  private func drawn(columns: Int) async throws -> String {
    let place = try Scratch()
    try place.makeSparse("d.raw", bytes: 4 << 20, data: [(0, 2 << 20)])
    let restore = "'\(Build.directory)/sluice' restore a --to r --rate-limit 1M"
    return try await place.shell(
      """
      '\(Build.directory)/sluice' backup --quiet --image d=d.raw --to raw=a
      script -qec "stty cols \(columns); \(restore)" /dev/null < /dev/null
      """)
  }

  @Test(arguments: [12, 20, 40, 80, 200])
  func `a bar never takes more columns than there are`(columns: Int) async throws {
    let output = try await drawn(columns: columns)
    let bars = output.split(separator: "\r").filter { $0.contains("%") }.map {
      String($0.prefix { $0 != "\u{1B}" })
    }
    #expect(bars.count > 3, "\(output)")
    #expect(bars.allSatisfy { $0.count < columns && !$0.contains("\n") }, "\(bars)")
    if columns >= 40 { #expect(bars.allSatisfy { $0.contains(" of ") }) }
    if columns >= 80 { #expect(bars.allSatisfy { $0.hasPrefix("[") && $0.contains("ETA") }) }
  }

  @Test func `a restore and a verification keep to their rate`() async throws {
    let place = try Scratch()
    try place.makeSparse("d.raw", bytes: 4 << 20, data: [(0, 3 << 20)])
    let made = try await sluice(
      ["backup", "--image", "d=d.raw", "--to", "vma=a.vma"], in: place.directory)
    #expect(made.status == 0)
    for words in [["verify", "a.vma"], ["restore", "a.vma", "--to", "r"]] {
      let read = try await sluice(words + ["--rate-limit", "2M"], in: place.directory)
      #expect(read.status == 0, "\(read.errors)")
      // 3 MiB, of which a quarter of a second's may come at once.
      #expect(read.seconds > 1.1, "\(read.seconds) s")
    }
  }
}
