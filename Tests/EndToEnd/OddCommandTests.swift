import CommandLine
import Glibc
import System
import Testing

/// Wrong and odd command lines and surroundings: Tests/Support/odd-commands lists what each gives.
@Suite(.inTurns) struct OddCommandTests {
  /// One entry of the list.
  struct Case: CustomTestStringConvertible, Sendable {
    var title = ""
    var command = ""
    var status: Int32 = 0
    var error = ""
    var remedy = ""
    var left: [String] = []
    var testDescription: String { title }
  }

  /// The disks and archives that every case has a copy of.
  private final class Scene: Sendable {
    let place: Scratch

    init() async throws {
      place = try Scratch()
      try await place.shell(
        """
        PATH="\(Build.directory):$PATH"
        mkdir scene scene/folder elsewhere && cd scene && echo hello > conf
        truncate -s 1M d.raw && yes sluice | dd of=d.raw bs=1k count=200 conv=notrunc status=none
        qemu-img convert -O qcow2 d.raw d.qcow2 && head -c 100000 d.qcow2 > cut.qcow2
        cp d.qcow2 ../elsewhere/base.qcow2
        qemu-img create -q -f qcow2 -b ../elsewhere/base.qcow2 -F qcow2 over.qcow2
        sluice backup --image d=d.raw --config conf --to raw=arch --to vma=x.vma --to tar=x.tar
        sluice backup --image d=d.raw --image e=d.raw --to vma=two.vma
        """)
    }
  }

  private static let scene = Task { try await Scene() }

  static let cases: [Case] = {
    let top = #filePath.split(separator: "/").dropLast(2).reduce("") { "\($0)/\($1)" }
    let path = "\(top)/Support/odd-commands"
    let bytes = (try? readSmallFile(path, limit: 1 << 20)) ?? []
    return parse(String(decoding: bytes, as: UTF8.self))
  }()

  private static func parse(_ text: String) -> [Case] {
    var cases: [Case] = []
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      let rest = String(line.dropFirst(2))
      switch line.prefix(2) {
      case ": ": cases.append(Case(title: rest))
      case "$ ": cases[cases.count - 1].command = rest
      case "? ": cases[cases.count - 1].remedy = rest
      case "+ ": cases[cases.count - 1].left.append(rest)
      default:
        let parts = line.split(separator: " ", maxSplits: 1)
        cases[cases.count - 1].status = Int32(parts[0]) ?? -1
        cases[cases.count - 1].error = parts.count > 1 ? String(parts[1]) : ""
      }
    }
    return cases
  }

  @Test func `the list has a hundred cases, each with a title of its own`() {
    #expect(Self.cases.count > 100)
    #expect(Set(Self.cases.map(\.title)).count == Self.cases.count)
    #expect(Self.cases.allSatisfy { $0.command.contains("sluice") && $0.status >= 0 })
  }

  @Test(arguments: cases)
  func `a wrong or odd command says what is wrong, and leaves nothing`(odd: Case) async throws {
    let scene = try await Self.scene.value
    let own = try Scratch()
    try await own.shell("cp -a '\(scene.place.path("scene"))' '\(scene.place.path("elsewhere"))' .")
    let before = try own.names("scene")
    let finding = try await Program(
      ["/bin/bash", "-c", "PATH=\"\(Build.directory):$PATH\"; \(odd.command)"],
      in: own.path("scene")
    ).finding(within: 40)
    #expect(finding.status == odd.status, "\(finding)")
    #expect(finding.left.isEmpty && !finding.errors.contains("Fatal error"))
    let lines = finding.errors.split(separator: "\n").filter { $0.hasPrefix("sluice: ") }
    let error = lines.first { !$0.hasPrefix("sluice: hint: ") } ?? ""
    #expect(Self.matches(error.dropFirst("sluice: ".count), odd.error), "\(finding.errors)")
    let hint = lines.first { $0.hasPrefix("sluice: hint: ") } ?? ""
    #expect(Self.matches(hint.dropFirst("sluice: hint: ".count), odd.remedy), "\(finding.errors)")
    #expect(try own.names("scene") == (before + odd.left).sorted())
  }

  /// Whether a text is the expected one, in which an ellipsis stands for anything.
  private static func matches(_ text: Substring, _ expected: String) -> Bool {
    guard !expected.isEmpty else { return text.isEmpty }
    var rest = text[...]
    for (index, part) in expected.split(separator: "…", omittingEmptySubsequences: false)
      .enumerated()
    where !part.isEmpty {
      guard let found = rest.firstRange(of: part) else { return false }
      if index == 0 && found.lowerBound != text.startIndex { return false }
      rest = rest[found.upperBound...]
    }
    return true
  }
}
