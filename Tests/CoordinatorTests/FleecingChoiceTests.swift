import CommandLine
import QEMUControl
import System
import Requests
import Testing

@testable import JobSupport
@testable import LiveBackup

/// Where fleecing images go, how much room they need, and what is warned of.
@Suite struct FleecingChoiceTests {
  private let place: Scratch

  init() throws { place = try Scratch() }

  private func choice(
    _ disks: [GuestBlockDevice], isSpool: Bool = false,
    _ change: (inout GuestRequest) -> Void = { _ in }
  ) throws -> FleecingChoice {
    var request = GuestRequest(socket: "")
    change(&request)
    return try FleecingChoice(disks, request, isSpool: isSpool)
  }

  private func disk(_ name: String, size: Int64 = 1 << 20) throws -> GuestBlockDevice {
    try place.create("\(name).raw", [1])
    return .test(name, size: size, imageFile: place.path("\(name).raw"))
  }

  @Test func `a fleecing image lies beside the image of its disk`() throws {
    let choice = try choice([disk("a"), disk("b")])
    #expect(choice.wishes.map(\.directory.path) == [place.directory, place.directory])
    #expect(choice.wishes.map(\.diskBytes) == [1 << 20, 1 << 20])
    #expect(choice.warnings == [])
  }

  @Test func `a directory that is asked for holds all of them`() async throws {
    try await place.shell("mkdir store")
    let choice = try choice([disk("a"), .test("b")]) {
      $0.fleecingDirectory = place.path("store")
    }
    #expect(Set(choice.wishes.map(\.directory.path)) == [place.path("store")])
    // The image of b is unknown: the requested directory may be on another file system.
    #expect(choice.warnings.count == 1 && choice.warnings[0].contains("filesystem of b:"))
  }

  @Test func `a directory that is not there is told`() {
    let error = #expect(throws: JobError.self) {
      _ = try choice([.test("a")]) { $0.fleecingDirectory = place.path("none") }
    }
    #expect(error?.action == "choose a fleecing directory for a")
  }

  @Test func `room is reserved where it is asked for, else a little must be free`() throws {
    let disk = try disk("a")
    let usual = try choice([disk]).wishes[0]
    #expect(usual.reservation == .none && usual.wantedBytes == 1 << 20)
    let reserved = try choice([disk]) { $0.fleecingReserve = 5 << 20 }.wishes[0]
    #expect(reserved.reservation == .required && reserved.wantedBytes == 5 << 20)
  }

  @Test func `a spool has room for what its disk holds, or for what is asked for`() throws {
    let disk = try disk("a", size: 1 << 30)
    let needed = FleecingImage.spoolBytes(forBytes: disk.contentBytes, ofDisk: 1 << 30)
    let spool = try choice([disk], isSpool: true).wishes[0]
    #expect(spool.reservation == .whereFilesystemCan && spool.wantedBytes == needed)
    let more = try choice([disk], isSpool: true) { $0.fleecingReserve = 2 << 30 }.wishes[0]
    #expect(more.wantedBytes == 2 << 30)
  }

  @Test func `too little room for all images of a directory is told once`() throws {
    let choice = try choice([disk("a", size: 1 << 60), disk("b", size: 1 << 60)])
    #expect(choice.warnings.count == 1)
    let wanted = (2 * FleecingImage.usualBytes(ofDisk: 1 << 60)) >> 20
    #expect(choice.warnings[0].hasPrefix("\(place.directory) has "))
    #expect(choice.warnings[0].contains("\(wanted) MiB are recommended"))
  }

  @Test(.enabled(if: FleecingChoiceTests.hasMemory, "this kernel has no file system in memory"))
  func `a directory on another file system than the disks is told, with their names`() throws {
    let choice = try choice([disk("a"), disk("b")]) { $0.fleecingDirectory = "/dev/shm" }
    #expect(
      choice.warnings.contains {
        $0 == "/dev/shm is not on the filesystem of a, b: if it hangs, the guest's writes hang too"
      }, "\(choice.warnings)")
  }

  private static let hasMemory =
    (try? FileStatus(path: "/dev/shm").device) != (try? FileStatus(path: "/var/tmp").device)
}
