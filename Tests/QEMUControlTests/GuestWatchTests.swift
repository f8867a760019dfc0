import CommandLine
import Glibc
import JSON
import System
import Testing

@testable import QEMUControl

@Suite(.alone, .enabled(if: Emulator.isThere, Emulator.missing)) struct GuestWatchTests {
  /// Everything a watch tells until `isLast`, or the time is over.
  private func observations(
    _ watch: GuestWatch, within seconds: Double = 30,
    until isLast: @escaping @Sendable (GuestObservation) -> Bool
  ) async -> [GuestObservation] {
    let stream = watch.observations
    let ender = Task {
      try? await Task.sleep(for: .seconds(seconds))
      watch.end()
    }
    var seen: [GuestObservation] = []
    for await observation in stream {
      seen.append(observation)
      if isLast(observation) { break }
    }
    ender.cancel()
    return seen
  }

  private func isContinued(_ observation: GuestObservation) -> Bool {
    if case .continued = observation { true } else { false }
  }

  @Test(.enabled(if: Build.isRoot, "this needs root, to mount a small filesystem"))
  func `a full fleecing image aborts the backup and not the guest`() async throws {
    for policy in ["enospc", "stop"] {
      let bench = try await TinyGuest.bench(writeErrors: policy)
      let small = try await SmallFilesystem(bench.files, "full", size: "2M")
      try await TinyGuest.start(bench)
      let before = try await bench.graph()
      let point = try await bench.point("0badcafe", imagesIn: small.path)
      let watch = GuestWatch(point, continuesGuest: true)
      try await point.prepare()
      _ = try await point.take()
      let seen = await observations(watch) { self.isContinued($0) }
      guard case .fleecingFailed("disk0", _) = seen.first, isContinued(seen[seen.count - 1]) else {
        let state = try await bench.runState() ?? ""
        Issue.record("\(seen), \(state), \(try await TinyGuest.counts(bench))")
        return
      }
      #expect(watch.stallSeconds > 0 && watch.stallSeconds < 1, "\(watch.stallSeconds)")
      try await TinyGuest.goesOn(bench)
      #expect(try await TinyGuest.counts(bench).errors == 0)
      let outcome = await point.takeDown()
      #expect(outcome.isClean)
      #expect(try await bench.graph() == before)
      #expect(try await bench.runState() == "running")
    }
  }

  @Test(.enabled(if: Build.isRoot, "this needs root, to mount a small filesystem"))
  func `where QEMU shows the guest the error, it is told`() async throws {
    let bench = try await TinyGuest.bench(writeErrors: "report")
    let small = try await SmallFilesystem(bench.files, "full", size: "2M")
    try await TinyGuest.start(bench)
    let point = try await bench.point("0badcafe", imagesIn: small.path)
    let watch = GuestWatch(point, continuesGuest: true)
    try await point.prepare()
    _ = try await point.take()
    let seen = await observations(watch) { _ in true }
    guard case .guestSawError("disk0", _) = seen.first else {
      Issue.record("\(seen)")
      return
    }
    #expect(await point.takeDown().isClean)
    try await TinyGuest.goesOn(bench)
  }

  @Test(.enabled(if: Build.isRoot, "this needs root, to mount a small filesystem"))
  func `a guest paused by a full fleecing image is resumed by the take-down`() async throws {
    let bench = try await TinyGuest.bench(writeErrors: "stop")
    let small = try await SmallFilesystem(bench.files, "full", size: "2M")
    try await TinyGuest.start(bench)
    let point = try await bench.point("0badcafe", imagesIn: small.path)
    try await point.prepare()
    _ = try await point.take()
    let deadline = MonotonicTime.now.advanced(bySeconds: 20)
    while try await bench.runState() != "io-error" && MonotonicTime.now < deadline {
      try await Task.sleep(for: .milliseconds(10))
    }
    #expect(try await bench.runState() == "io-error")
    let another: JobMark = try #require(JobMark(id: "0badbeef"))
    let stays = await TakeDown.run(
      bench.client, of: another,
      knowing: .init(continuesGuest: false), seconds: 5)
    #expect(stays == TakeDownOutcome())
    let outcome = await TakeDown.run(bench.client, of: nil, seconds: 5)
    #expect(outcome.isClean && outcome.hasContinuedGuest)
    try await TinyGuest.goesOn(bench)
    let counts = try await TinyGuest.counts(bench)
    #expect(counts.errors == 0, "\(counts)")
  }

  @Test func `what happens to a guest is told`() async throws {
    let bench = try await Bench()
    let point = try await bench.point("0badcafe")
    try await point.prepare()
    _ = try await point.take()
    let watch = GuestWatch(point, continuesGuest: true)
    for command in ["stop", "cont", "system_reset"] { _ = try await bench.client.execute(command) }
    _ = try await bench.client.execute("job-cancel", ["id": .string(point.mark.job(0))])
    let seen = await observations(watch) { if case .jobEnded = $0 { true } else { false } }
    #expect(seen.prefix(2) == [.stopped, .resumed])
    #expect(seen.contains(.reset))
    guard case .jobEnded("drive1", _) = seen.last else {
      Issue.record("\(seen)")
      return
    }
    #expect(watch.stallSeconds == 0)
    #expect(await point.takeDown().isClean)
  }

  @Test func `the end of QEMU is the end of the watch`() async throws {
    let bench = try await Bench()
    let point = try await bench.point("0badcafe")
    try await point.prepare()
    _ = try await point.take()
    let watch = GuestWatch(point, continuesGuest: true)
    _ = try? await bench.client.execute("quit")
    let seen = await observations(watch) { _ in false }
    #expect(seen.contains(.shutdown(reason: "host-qmp-quit")))
    #expect(seen.last == .disconnected)
  }
}

/// A filesystem in memory, of a size; gone with its owner.
final class SmallFilesystem: Sendable {
  let path: String

  init(_ files: Scratch, _ name: String, size: String) async throws {
    path = files.path(name)
    try await files.shell("mkdir \(name) && mount -t tmpfs -o size=\(size) tmpfs \(name)")
  }

  deinit { umount2(path, Int32(MNT_DETACH)) }
}
