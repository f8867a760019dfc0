import CommandLine
import Testing

/// A receipt is read, or it does not exist; everything else is told, and nothing is taken for good.
@Suite(.inTurns) struct ReceiptFileTests {
  /// One way to spoil a receipt, `R` in the command.
  struct Fault: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let command: String
    let status: Int32
    let words: String

    init(_ name: String, _ command: String, _ status: Int32 = 65, says words: String) {
      (testDescription, self.command, self.status, self.words) = (name, command, status, words)
    }
  }

  static let faults = [
    Fault("a link", "mv R aside && ln -s \"$PWD/aside\" R", says: "it is a symbolic link"),
    Fault("a link to nothing", "rm R && ln -s nowhere R", says: "it is a symbolic link"),
    Fault("a directory", "rm R && mkdir R", says: "it is a directory"),
    Fault("a pipe", "rm R && mkfifo R", says: "it is a pipe"),
    Fault("too long", "truncate -s 5M R", says: "more than the 4 MiB"),
    Fault("empty", ": > R", says: "not JSON"),
    Fault("cut off", "truncate -s 100 R", says: "not JSON"),
    Fault("of something else", "echo '{}' > R", says: "sluice_receipt"),
    Fault("without its instant", "sed -i '/\"instant\"/d' R", says: "instant"),
    Fault("of no instant", "sed -i 's/\"instant\": \"20/\"instant\": \"2I/' R", says: "instant"),
    Fault(
      "of a day that is not there",
      "sed -i 's/\"instant\": \"[0-9-]*T/\"instant\": \"2026-02-30T/' R",
      says: "instant"),
    Fault("without its tools", "sed -i 's/\"tools\"/\"fools\"/' R", says: "tools"),
    Fault("without its machine", "sed -i 's/\"vm\"/\"wm\"/' R", says: "vm"),
    Fault("without its machine's name", "sed -i '0,/\"name\"/s//\"game\"/' R", says: "name"),
    Fault("with a digest of one stream", "sed -i '0,/\"digest\"/s//\"digits\"/' R", says: "digest"),
    Fault("without a role", "sed -i '0,/\"role\"/s//\"rule\"/' R", says: "role"),
    Fault("without a size", "sed -i '0,/\"size\"/s//\"seize\"/' R", says: "streams"),
    Fault("with one name twice", "sed -i 's/\"name\": \"e\"/\"name\": \"d\"/' R", says: "streams"),
  ]

  let trip: RoundTrip
  private var place: Scratch { trip.place }

  init() throws { trip = try RoundTrip() }

  private func makeArchive(_ format: String) async throws -> String {
    try place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 65536)])
    trip.expectSuccess(
      try await trip.run(
        ["backup", "--image", "d=d.raw", "--image", "e=d.raw", "--to", "\(format)=a"]))
    return format == "raw" ? "a/manifest.json" : "a.sluice.json"
  }

  /// What reads an archive gives the same answer, and makes nothing.
  private func expectRefused(
    _ status: Int32, _ words: String, options: [String] = [],
    verbs: [[String]] = [["verify", "a"], ["restore", "a", "--to", "restored"]]
  ) async throws {
    for verb in verbs {
      let finding = try await trip.run(verb + options)
      #expect(finding.status == status, "\(verb): \(finding.errors)")
      #expect(finding.errors.contains("cannot read the receipt"), "\(finding.errors)")
      #expect(finding.errors.contains(words), "\(finding.errors)")
      #expect(finding.left == [])
    }
    #expect(!place.exists("restored") && !place.exists("b"))
  }

  @Test(arguments: faults)
  func `a receipt beside an archive that cannot be read is an error`(fault: Fault) async throws {
    let receipt = try await makeArchive("vma")
    try await place.shell(fault.command.replacing("R", with: receipt))
    try await expectRefused(fault.status, fault.words)
  }

  @Test func `every verb refuses an archive whose receipt cannot be read`() async throws {
    let receipt = try await makeArchive("vma")
    try await place.shell("truncate -s 100 \(receipt)")
    try await expectRefused(
      65, "not JSON", verbs: [["list", "a"], ["convert", "a", "--to", "vma=b"]])
  }

  /// What tells the faults of contents apart was tried beside an archive.
  @Test(arguments: faults.prefix(8).filter { $0.testDescription != "a pipe" })
  func `a receipt inside an archive that cannot be read is an error`(fault: Fault) async throws {
    let receipt = try await makeArchive("raw")
    try await place.shell(fault.command.replacing("R", with: receipt))
    for options in [[], ["--format", "raw"]] {
      try await expectRefused(fault.status, fault.words, options: options)
    }
  }

  @Test(.enabled(if: Build.isRoot, "root mounts what cannot be read"))
  func `a receipt that the storage does not give is an error`() async throws {
    let receipt = try await makeArchive("vma")
    // The memory of the shell itself: of other processes some machines refuse even root.
    let said = try await place.shell(
      """
      unshare -m sh -c 'mount --bind /proc/$$/mem \(receipt) &&
        "\(Build.directory)/sluice" verify a'
      echo = $?
      """)
    #expect(said.contains("cannot read the receipt") && said.contains("EIO"), "\(said)")
    #expect(said.contains("= 74"), "\(said)")
  }

  @Test(.enabled(if: Build.isRoot, "root becomes an ordinary user"))
  func `a receipt that is closed to the caller is an error`() async throws {
    let copy = try await PublicBuild()
    let receipt = try await makeArchive("raw")
    try await place.shell("chmod 755 . && chmod -R a+rX a && chmod 600 \(receipt)")
    let finding = try await sluice(
      ["verify", "a"], in: place.directory, user: Build.nobody, build: copy.directory)
    #expect(finding.status == 77, "\(finding.errors)")
    #expect(finding.errors.contains("EACCES"), "\(finding.errors)")
  }

  @Test func `a receipt that does not exist is none`() async throws {
    let receipt = try await makeArchive("vma")
    try await place.shell("rm \(receipt)")
    #expect(try await trip.run(["list", "a"]).output.contains("receipt  none"))
    #expect(try await trip.run(["verify", "a"]).status == 1)
  }

  @Test func `members of a receipt that are not known are passed over`() async throws {
    let receipt = try await makeArchive("vma")
    try await place.shell("sed -i 's/\"tools\"/\"later\": {\"x\": [1]}, \"tools\"/' \(receipt)")
    #expect(try await trip.run(["verify", "a"]).status == 0)
  }
}
