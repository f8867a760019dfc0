internal import SharedPool
internal import System

/// Reads a disk through an NBD socket into the slots of a pool, several reads at a time.
final class NBDReader: DiskReader {
  private let pool: SharedPool
  private let size: UInt64
  private var connection: NBDConnection?
  /// The command that fills each slot; 0: none.
  private var cookies: [Int64]

  /// - Parameter size: Bytes of the stream; the export has as many, rounded up to a sector.
  init(connection: NBDConnection, pool: SharedPool, size: UInt64) throws(SourceError) {
    self.pool = pool
    self.size = size
    self.connection = connection
    cookies = Array(repeating: 0, count: pool.shape.slotCount)
    let exported = try connection.size
    guard exported >= size else {
      throw .protocolBroken(what: "disk size \(exported) instead of \(size) bytes")
    }
  }

  var readsInFlightMax: Int { cookies.count }

  func submit(slot: Int, offset: UInt64, length: Int) throws(SourceError) {
    precondition(length > 0 && length <= pool.shape.slotBytes, "a read fits its slot")
    precondition(offset % 512 == 0 && offset <= size && UInt64(length) <= size - offset)
    precondition(cookies[slot] == 0, "slot \(slot) is in flight")
    guard let connection else { return }
    let bytes = unsafe pool.unsafeBytes(slot: slot)
    let target = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[..<((length + 511) & ~511)])
    cookies[slot] = unsafe try connection.startRead(into: target, at: offset)
  }

  func addDescriptors(to poller: inout Poller) { connection?.addDescriptors(to: &poller) }

  func collect(_ body: (ReadCompletion) -> Void) throws(SourceError) {
    guard let connection else { return }
    try connection.advanceWithoutWaiting()
    while let finished = try connection.nextFinished() {
      guard let slot = cookies.firstIndex(of: finished.cookie) else { continue }
      cookies[slot] = 0
      body(ReadCompletion(slot: slot, code: finished.code))
    }
    try connection.checkLife()
  }

  func close() { connection = nil }
}
