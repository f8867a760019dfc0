import BackupProtocol
import ScriptedHost
import SharedPool
import System
import Testing
@testable import WriterKit

/// What a lease needs to live in an array.
private final class Held {
  private var lease: Lease?
  init(_ lease: consuming Lease) { self.lease = consume lease }
  var first: UInt8 { lease.map { unsafe $0.bytes.withUnsafeBytes { $0[0] } } ?? 0 }
  func drop() { lease = nil }
}

extension Optional where Wrapped: ~Copyable {
  fileprivate func map<Result>(_ body: (borrowing Wrapped) -> Result) -> Result? {
    switch self {
    case .some(let value): body(value)
    case .none: nil
    }
  }
}

/// Keeps the two most recent pieces and checks that they stay what they were.
private final class GatheringWriter: IdleWriter {
  private var held: [(lease: Held, first: UInt8)] = []

  override func data(_ data: borrowing StreamData) throws(PluginError) {
    let first = unsafe data.bytes.withUnsafeBytes { $0[0] }
    held.append((Held(data.keep()), first))
    try check()
    if held.count > host.leasesMax { held.removeFirst().lease.drop() }
  }

  override func close(length: UInt64, digest: Digest) throws(PluginError) {
    try check()
    // Out of order, to see that the order is free.
    while let last = held.popLast() { last.lease.drop() }
  }

  private func check() throws(PluginError) {
    for entry in held where entry.lease.first != entry.first {
      throw PluginError(.internal, "kept bytes have changed")
    }
  }
}

/// Keeps one piece until FINISH.
private final class LateWriter: IdleWriter {
  private var held: Held?
  override func data(_ data: borrowing StreamData) throws(PluginError) {
    if held == nil { held = Held(data.keep()) }
  }
  override func finish() throws(PluginError) -> Finished {
    held = nil
    return Finished()
  }
}

/// Keeps every piece.
private final class HoardingWriter: IdleWriter {
  private var held: [Held] = []
  override func data(_ data: borrowing StreamData) throws(PluginError) {
    held.append(Held(data.keep()))
  }
}

/// Drops every lease at once.
private final class DroppingWriter: IdleWriter {
  override func data(_ data: borrowing StreamData) throws(PluginError) { _ = data.keep() }
}

@Suite struct `Leases` {
  let shape = PoolShape(slotCount: 4, slotBytes: 65536)

  /// Streams of 64 KiB pieces, each of another byte, go through a writer.
  func run(_ writer: any ArchiveWriter.Type, isShared: Bool) throws {
    let pool = isShared ? try SharedPool(shape, name: "test") : nil
    let kit = try KitSession(writer, pool: pool, shape: shape)
    try kit.host.greet()
    let contents = (1...2).map { id in
      Content.disk(
        UInt32(id), "d\(id)", (1...20).flatMap { [UInt8](repeating: UInt8($0 * id), count: 65536) })
    }
    try kit.host.start(contents)
    for content in contents { try kit.host.write(content, digest: .none) }
    try kit.host.send { $0.append(.finish, [:]) }
    try kit.host.await(.finished)
    // FINISHED comes after the last RELEASE, never before.
    #expect(kit.host.unreleased == 0)
    #expect(kit.end() == 0)
  }

  @Test(arguments: [true, false])
  func `of half a pool never stop a job, and their bytes stay`(isShared: Bool) throws {
    try run(GatheringWriter.self, isShared: isShared)
  }

  @Test(arguments: [true, false])
  func `may last until FINISH`(isShared: Bool) throws {
    try run(LateWriter.self, isShared: isShared)
  }

  @Test(arguments: [true, false])
  func `of more than half a pool fail the job`(isShared: Bool) throws {
    let pool = isShared ? try SharedPool(shape, name: "test") : nil
    let kit = try KitSession(HoardingWriter.self, pool: pool, shape: shape)
    try kit.host.greet()
    let disk = Content.disk(1, "d", [UInt8](repeating: 1, count: 3 * 65536))
    try kit.host.start([disk])
    try kit.host.send { $0.appendOpen(stream: 1) }
    for start in stride(from: 0, to: 3 * 65536, by: 65536) {
      try kit.host.sendData(disk, start..<start + 65536, masks: false)
    }
    let error = try kit.host.awaitError()
    #expect(error.code == .internal)
    #expect(error.message.hasPrefix("the writer keeps 3 pieces of data, and may keep 2"))
    #expect(kit.end() == 1)
  }

  @Test(arguments: [true, false])
  func `that are dropped are released`(isShared: Bool) throws {
    try run(DroppingWriter.self, isShared: isShared)
  }
}
