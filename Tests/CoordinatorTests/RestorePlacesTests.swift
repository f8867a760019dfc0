import BackupProtocol
import CommandLine
import Glibc
import Pump
import System
import Requests
import Testing

@testable import ArchiveJobs
@testable import JobSupport
@testable import RestoreJobs

/// Which stream of an archive goes where, and what is refused before a byte is written.
@Suite struct RestorePlacesTests {
  private let place: Scratch
  private let heard = Heard()
  private let streams = [
    StreamDescription(id: 1, kind: .config, name: "vm.conf", role: "config", size: 3),
    StreamDescription(id: 2, kind: .disk, name: "a", role: "disk", size: 1 << 20),
    StreamDescription(id: 3, kind: .disk, name: "b", role: "disk", size: 1 << 20),
  ]

  init() throws {
    place = try Scratch()
    try place.create("archive.tar", [UInt8](repeating: 0, count: 1024))
  }

  private func places(
    _ disks: [(name: String, file: String)] = [], directory: String? = nil, skip: [String] = [],
    overwrites: Bool = false
  ) throws -> RestorePlaces {
    let surroundings = Surroundings.test(events: heard.sink)
    let wanted = ArchiveRequest(place.path("archive.tar"), format: "tar")
    var request = RestoreRequest(wanted)
    request.disks = try disks.map { try .init(parsing: "\($0.name)=\(place.path($0.file))") }
    request.directory = directory.map { place.path($0) }
    request.skipped = skip
    request.overwrites = overwrites
    let archive = try Archive.find(wanted, surroundings, stop: StopSignal())
    return try RestorePlaces(
      request, of: archive, surroundings, id: String(repeating: "0", count: 32),
      stop: StopSignal())
  }

  private func expectRefused(
    _ words: String, _ disks: [(name: String, file: String)], directory: String? = nil,
    skip: [String] = [], overwrites: Bool = false
  ) {
    let error = #expect(throws: JobError.self) {
      _ = try places(disks, directory: directory, skip: skip, overwrites: overwrites)
    }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
  }

  private func expectUnfit(_ words: String, _ places: RestorePlaces, remedy: Remedy? = nil) {
    #expect(throws: LaneFailure.self) { try places.accept(streams) }
    let error = places.failure
    #expect(error?.description.contains(words) == true, "\(error as Any)")
    if let remedy { #expect(error?.remedy == remedy) }
  }

  @Test func `a disk with a path of its own appears when it is proven, the rest at the end`()
    throws
  {
    let places = try places([("a", "a.raw")], directory: "all", skip: ["b"])
    try places.accept(streams)
    #expect(places.choose(streams).map(\.name) == ["vm.conf", "a"])
    try places.hasCome(streams[0], isProven: true)
    #expect(!place.exists("a.raw"))
    try places.hasCome(streams[1], isProven: true)
    #expect(place.exists("a.raw") && !place.exists("all"))
    try places.publish()
    #expect(place.exists("all"))
    #expect(places.outputs.map(\.path) == [place.path("a.raw"), place.path("all")])
  }

  @Test func `a disk that nothing proves waits for the end of the archive`() throws {
    let places = try places([("a", "a.raw"), ("b", "b.raw")])
    try places.accept(streams)
    try places.hasCome(streams[1], isProven: false)
    #expect(!place.exists("a.raw"))
    try places.hasCome(streams[2], isProven: true)
    #expect(!place.exists("a.raw") && place.exists("b.raw"))
    try places.publish()
    #expect(place.exists("a.raw"))
  }

  @Test func `of a broken archive new disks that came whole are kept, and told as unverified`()
    throws
  {
    try place.create("old.raw", [1])
    let places = try places([("a", "new.raw"), ("b", "old.raw")], overwrites: true)
    try places.accept(streams)
    try places.hasCome(streams[1], isProven: false)
    places.salvage()
    places.tellWhatIsLeft()
    #expect(place.exists("new.raw"))
    #expect(try place.bytes("old.raw") == [1])
    #expect(
      heard.warnings.suffix(2) == [
        "disk a is complete but not verified: \(place.path("new.raw"))",
        "disk b was not restored",
      ])
  }

  @Test func `configurations without a target are left out with a warning`() throws {
    let places = try places([("a", "a.raw"), ("b", "b.raw")])
    try places.accept(streams)
    #expect(places.choose(streams).map(\.name) == ["a", "b"])
    #expect(heard.warnings == ["skipped (no --to DIR): vm.conf"])
  }

  @Test func `every disk needs a target, or to be skipped`() throws {
    expectUnfit(
      "no target for \"b\"", try places([("a", "a.raw")]), remedy: .placeDisk("b"))
    try places([("a", "a.raw")], skip: ["b"]).accept(streams)
  }

  @Test func `what the archive does not contain is named with what it does`() throws {
    expectUnfit(
      "\"c\" is not in the archive", try places([("c", "c.raw")], directory: "all"),
      remedy: "it contains: vm.conf, a, b")
    expectUnfit("\"c\" is not in the archive", try places(directory: "all", skip: ["c"]))
    expectUnfit(
      "\"vm.conf\" is not a disk", try places([("vm.conf", "c")], directory: "all"),
      remedy: .restoreDisksOnly)
  }

  @Test func `two streams that would have one file name are the archive's fault`() throws {
    let twins = streams + [.init(id: 4, kind: .config, name: "a.raw", role: "config", size: 0)]
    let all = try places(directory: "all")
    #expect(throws: LaneFailure.self) { try all.accept(twins) }
    try places([("a", "elsewhere")], directory: "other").accept(twins)
  }

  @Test func `a file name has 255 bytes and no more`() throws {
    func stream(_ count: Int) -> StreamDescription {
      let name = String(repeating: "x", count: count)
      return StreamDescription(id: 1, kind: .disk, name: name, role: "disk", size: 0)
    }
    try places(directory: "fits").accept([stream(251)])
    let places = try places(directory: "long")
    #expect(throws: LaneFailure.self) { try places.accept([stream(252)]) }
  }

  @Test func `two disks never get one place, whatever it is called`() async throws {
    try await place.shell("mkdir real && ln -s real link")
    expectRefused("\"a\" has two destinations", [("a", "x"), ("a", "y")])
    expectRefused("two disks would be restored to", [("a", "real/x"), ("b", "link/x")])
    expectRefused("has a destination and is skipped", [("a", "x")], skip: ["a"])
  }

  @Test func `a disk is no archive, and never takes the place of one`() throws {
    expectRefused("raw despite its suffix .vmdk", [("a", "x.vmdk")])
    expectRefused("part of the archive", [("a", "archive.tar")], overwrites: true)
    expectRefused("part of the archive", [], directory: "archive.tar")
  }

  @Test func `a file that is there is replaced only by force, and only a file`() throws {
    try place.create("there.raw", [1])
    mkdir(place.path("folder"), 0o700)
    expectRefused("already exists", [("a", "there.raw")])
    expectRefused("neither a file nor a block device", [("a", "folder")], overwrites: true)
    _ = try places([("a", "there.raw")], overwrites: true)
    #expect(try place.bytes("there.raw") == [1])
  }

  private let state = StreamDescription(
    id: 4, kind: .vmstate, name: "vmstate", role: "vmstate", size: 5)

  @Test func `the state of a machine and a configuration that would be one file are told`() throws {
    let file = StreamDescription(id: 5, kind: .config, name: "vmstate.bin", role: "config", size: 3)
    let places = try places(directory: "r")
    #expect(throws: LaneFailure.self) { try places.accept([state, file]) }
    #expect(
      places.failure?.description.contains(
        "\"vmstate\" and \"vmstate.bin\" would both be restored to vmstate.bin") == true)
    #expect(places.failure?.remedy == .parts(disk: "vmstate", other: "vmstate.bin"))
  }

  @Test func `the state of a machine goes into a plain file, and into no image`() throws {
    let plain = try places([("vmstate", "state")])
    try plain.accept([state])
    #expect(plain.streams == [state])
    let image = try places([("vmstate", "state.qcow2")])
    #expect(throws: LaneFailure.self) { try image.accept([state]) }
    #expect(image.failure?.description.contains("restored to a plain file") == true)
    #expect(image.failure?.remedy == .choosePath)
  }

  @Test func `a stream of unknown size is refused before anything is made for it`() throws {
    var endless = streams[1]
    endless.size = nil
    let places = try places([("a", "a.raw")])
    #expect(throws: LaneFailure.self) { try places.accept([endless]) }
    #expect(!place.exists("a.raw"))
    let others = try self.places(directory: "r", skip: ["a"])
    try others.accept([endless, streams[0]])
    #expect(others.streams == [streams[0]])
  }
}
