internal import SharedPool
internal import System

/// Lets QEMU read a disk straight into the slots of a pool.
final class VhostUserReader: DiskReader {
  private let pool: SharedPool
  private let size: UInt64
  private let device: VhostUserDevice

  /// Sets the device up and reads its first sector.
  ///
  /// - Parameter size: Bytes of the stream; the device has as many, rounded up to a sector.
  init(
    socket: consuming OwnedDescriptor, pool: SharedPool, size: UInt64, server: ServingProcess
  ) throws(SourceError) {
    self.pool = pool
    self.size = size
    device = try VhostUserDevice(
      socket: socket, memory: pool, requestCount: pool.shape.slotCount + 1, server: server)
    guard device.capacity >= size else {
      throw .protocolBroken(what: "disk size \(device.capacity) instead of \(size) bytes")
    }
    try device.readFirstSector(request: pool.shape.slotCount)
  }

  var readsInFlightMax: Int { pool.shape.slotCount }

  func submit(slot: Int, offset: UInt64, length: Int) throws(SourceError) {
    precondition(length > 0 && length <= pool.shape.slotBytes, "a read fits its slot")
    precondition(offset % 512 == 0 && offset <= size && UInt64(length) <= size - offset)
    precondition(slot >= 0 && slot < pool.shape.slotCount, "slot \(slot) is not in the pool")
    try device.submit(
      .read, request: slot, offset: offset,
      target: VhostUserSetup.poolAddress + UInt64(slot * pool.shape.slotBytes),
      length: UInt32((length + 511) & ~511))
  }

  func addDescriptors(to poller: inout Poller) { device.addDescriptors(to: &poller) }

  func collect(_ body: (ReadCompletion) -> Void) throws(SourceError) {
    try device.collect { request, code in
      if request < self.pool.shape.slotCount {
        body(ReadCompletion(slot: request, code: code))
      }
    }
  }

  func close() { device.close() }
}
