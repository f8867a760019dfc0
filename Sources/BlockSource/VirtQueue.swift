internal import SharedPool
internal import Synchronization
internal import System

/// The driver's half of one split virtqueue of a block device, in memory shared with QEMU alone.
///
/// Request `n` always uses the descriptors 3n (header), 3n+1 (data) and 3n+2 (status), so there
/// is no list of free ones. QEMU may write anywhere in this memory at any time: of what it holds
/// only `used` and the status bytes are read, once each, and checked against what is in flight.
///
/// ```
/// slot 0   0 KiB descriptors     16 KiB available ring     24 KiB used ring
/// slot 1   0 KiB request headers  8 KiB status bytes
/// slot 2   what the first read is read into
/// ```
/// Specified in virtio 1.1, sections 2.6 (split virtqueues) and 5.2 (block device).
@safe struct VirtQueue: ~Copyable {
  private static let availableAt = 16 << 10
  private static let usedAt = 24 << 10
  private static let headersAt = 64 << 10
  private static let statusAt = 72 << 10
  private static let scratchAt = 128 << 10
  private static let headerBytes = 16
  private static let statusUnwritten: UInt8 = 0xFF

  /// What a request asks for, by virtio's numbers.
  enum Kind: UInt32 {
    case read = 0
    case write = 1
    case flush = 4
  }

  private enum Flag {
    static let next: UInt16 = 1
    static let deviceWrites: UInt16 = 2
  }

  /// Where QEMU is told that the memory lies; no address of this process leaves it.
  static let address: UInt64 = 0x1000_0000

  /// Rings, headers and status bytes: never given to a plugin.
  let memory: SharedPool
  /// Entries of each ring, a power of two up to 1024.
  let entryCount: UInt16
  private var isInFlight: [Bool]
  private(set) var inFlightCount: UInt16 = 0
  private var availableNext: UInt16 = 0
  private var usedNext: UInt16 = 0

  /// - Parameter requestCount: 1…257.
  init(requestCount: Int) throws(SystemCallError) {
    memory = try SharedPool(PoolShape(slotCount: 4, slotBytes: 64 << 10), name: "sluice rings")
    var entries = 4
    while entries < 3 * requestCount { entries *= 2 }
    precondition(entries <= 1024, "a virtqueue has at most 1024 entries")
    entryCount = UInt16(entries)
    isInFlight = Array(repeating: false, count: requestCount)
  }

  private var base: UnsafeMutableRawPointer { unsafe memory.unsafeBaseAddress }

  static var descriptorAddress: UInt64 { address }
  /// Where the device may put what nobody wants.
  static var scratch: UInt64 { address + UInt64(scratchAt) }
  static var availableAddress: UInt64 { address + UInt64(availableAt) }
  static var usedAddress: UInt64 { address + UInt64(usedAt) }

  /// Makes a request available to the device, which the caller then kicks.
  ///
  /// - Parameters:
  ///   - offset: Bytes on the disk, a multiple of 512.
  ///   - target: Where to or from, as an address told to the device.
  ///   - length: Bytes, a multiple of 512.
  mutating func submit(
    _ kind: Kind = .read, request: Int, offset: UInt64, target: UInt64, length: UInt32
  ) {
    precondition(!isInFlight[request], "request \(request) is in flight")
    let header = Self.headersAt + request * Self.headerBytes
    // The type, a reserved word, the sector.
    unsafe base.storeBytes(of: UInt64(kind.rawValue), toByteOffset: header, as: UInt64.self)
    unsafe base.storeBytes(of: offset / 512, toByteOffset: header + 8, as: UInt64.self)
    unsafe base.storeBytes(
      of: Self.statusUnwritten, toByteOffset: Self.statusAt + request, as: UInt8.self)
    let first = request * 3
    describe(first, Self.address + UInt64(header), UInt32(Self.headerBytes), Flag.next)
    let direction = kind == .write ? 0 : Flag.deviceWrites
    describe(first + 1, target, length, Flag.next | direction)
    describe(first + 2, Self.address + UInt64(Self.statusAt + request), 1, Flag.deviceWrites)
    publish(head: UInt16(first))
    isInFlight[request] = true
    inFlightCount += 1
  }

  private func describe(_ index: Int, _ address: UInt64, _ length: UInt32, _ flags: UInt16) {
    let at = index * 16
    unsafe base.storeBytes(of: address, toByteOffset: at, as: UInt64.self)
    unsafe base.storeBytes(of: length, toByteOffset: at + 8, as: UInt32.self)
    unsafe base.storeBytes(of: flags, toByteOffset: at + 12, as: UInt16.self)
    unsafe base.storeBytes(of: UInt16(index + 1), toByteOffset: at + 14, as: UInt16.self)
  }

  private mutating func publish(head: UInt16) {
    let place = Int(availableNext % entryCount)
    unsafe base.storeBytes(
      of: head, toByteOffset: Self.availableAt + 4 + 2 * place, as: UInt16.self)
    availableNext &+= 1
    unsafe counter(at: Self.availableAt + 2).pointee.store(availableNext, ordering: .releasing)
  }

  /// The next request the device has finished, with its errno (0: it went well).
  ///
  /// - Throws: `.protocolBroken` if the device finished what it was never given.
  mutating func nextFinished() throws(SourceError) -> (request: Int, code: Int32)? {
    let used = unsafe counter(at: Self.usedAt + 2).pointee.load(ordering: .acquiring)
    if used == usedNext { return nil }
    guard used &- usedNext <= inFlightCount else {
      throw .protocolBroken(what: "more reads completed than requested")
    }
    let place = Int(usedNext % entryCount)
    let id = unsafe base.load(fromByteOffset: Self.usedAt + 4 + 8 * place, as: UInt32.self)
    let request = Int(id / 3)
    guard id % 3 == 0, request < isInFlight.count, isInFlight[request] else {
      throw .protocolBroken(what: "completion of a read that is not in flight")
    }
    usedNext &+= 1
    isInFlight[request] = false
    inFlightCount -= 1
    return (request, code(ofStatus: Self.statusAt + request))
  }

  /// 0 is good, 1 an I/O error, 2 an unknown request; a byte never written is no success.
  private func code(ofStatus at: Int) -> Int32 {
    switch unsafe base.load(fromByteOffset: at, as: UInt8.self) {
    case 0: 0
    case 2: Errno.notSupported
    default: Errno.inputOutput
    }
  }

  /// A ring's running index, which the two sides use to hand entries over.
  ///
  /// Safe because the mapping lives as long as `memory` and the offsets are even.
  private func counter(at offset: Int) -> UnsafeMutablePointer<Atomic<UInt16>> {
    unsafe (base + offset).assumingMemoryBound(to: Atomic<UInt16>.self)
  }
}

/// The two answers a block device gives, as errno values.
private enum Errno {
  static let inputOutput: Int32 = 5
  static let notSupported: Int32 = 95
}
