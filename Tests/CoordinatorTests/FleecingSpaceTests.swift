import CommandLine
import Glibc
@testable import LiveBackup
import QEMUControl
import System
import Testing

/// When there is too little free space for fleecing images: on a small filesystem of their own.
@Suite(.inTurns, .enabled(if: Build.isRoot, "root mounts a small file system"))
struct FleecingSpaceTests {
  private static let megabyte: Int64 = 1 << 20

  /// What a spool of 6 MiB on a file system of 16 MiB finds at each step.
  private func findings(
    _ reservation: FleecingImage.Reservation, _ steps: [(Int64, others: Int64)]
  ) async throws -> [Bool] {
    let files = try Scratch()
    try await files.shell("mkdir small && mount -t tmpfs -o size=16M none small")
    var found: [Bool] = []
    do {
      let place = try FleecingDirectory(files.path("small"))
      let image = try #require(
        try FleecingImage.make([
          .init(
            directory: place, diskBytes: 64 << 20, wantedBytes: 6 << 20,
            reservation: reservation)
        ]).first)
      let room = FleecingSpace([image], isSpool: true)
      for (spooled, others) in steps {
        try await files.shell(
          "head -c \(spooled * Self.megabyte) /dev/zero | tr '\\0' x"
            + " | dd of=/proc/\(getpid())/fd/\(image.rawDescriptor) conv=notrunc status=none bs=1M"
            + " && head -c \(others)M /dev/zero | tr '\\0' x >small/others")
        if case .short = room.look() { found.append(true) } else { found.append(false) }
      }
    }
    try await files.shell("umount -l small")
    return found
  }

  @Test func `a spool whose room is taken is broken before it is full`() async throws {
    // Without a reservation somebody else can have what is free.
    let taken = try await findings(.none, [(1, 0), (4, 0), (5, 4), (5, 10)])
    #expect(taken == [false, false, false, true])
  }

  @Test func `a spool that has its room may use it, and no more`() async throws {
    let reserved = try await findings(.required, [(1, 0), (4, 9), (5, 9), (7, 8)])
    #expect(reserved == [false, false, false, true])
  }
}
