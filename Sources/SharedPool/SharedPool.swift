internal import CLinux
package import System

/// Shape of a pool.
package struct PoolShape: Equatable, Sendable {
  /// Number of slots, 4…256.
  package let slotCount: Int
  /// Bytes of a slot, a power of two from 64 KiB to 16 MiB.
  package let slotBytes: Int

  package init(slotCount: Int = 16, slotBytes: Int = 1 << 20) {
    self.slotCount = slotCount
    self.slotBytes = slotBytes
  }

  /// Bytes of the whole pool.
  package var byteCount: Int { slotCount * slotBytes }
}

/// A memory file of equal slots, sealed so that nobody can shrink or grow it under a reader.
///
/// The creator maps it writable. QEMU and, in read mode, the plugin get the writable descriptor;
/// a writer plugin gets a read-only reopening. Specified in protocol.md §9.
@safe package final class SharedPool: Sendable {
  package let shape: PoolShape
  private let file: OwnedDescriptor
  private nonisolated(unsafe) let base: UnsafeMutableRawPointer

  /// Creates, maps, prefaults and seals a pool.
  ///
  /// - Throws: `SystemCallError` if the kernel refuses memory; nothing is left behind.
  package init(_ shape: PoolShape, name: String) throws(SystemCallError) {
    self.shape = shape
    file = OwnedDescriptor(
      adopting: try check(unsafe clinux_memfd_create(name), .memfdCreate, name))
    try check(clinux_ftruncate(file.raw, Int64(shape.byteCount)), .ftruncate, name)
    var address: UnsafeMutableRawPointer?
    try check(
      unsafe clinux_map_shared(file.raw, shape.byteCount, 1, &address), .map, name)
    unsafe base = address!
    // First touch of a page zeroes it: do that now, once, and not under the first read.
    unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: shape.byteCount)
    try check(
      clinux_add_seals(
        file.raw, Int32(CLINUX_SEAL_SHRINK | CLINUX_SEAL_GROW)), .seal, name)
    try check(clinux_fchmod(file.raw, 0o400), .fchmod, name)
  }

  deinit { unsafe _ = clinux_unmap(base, shape.byteCount) }

  /// The descriptor that may write; its owner stays the pool.
  package var writableDescriptor: Int32 { file.raw }

  /// A second description of the same memory that can only be read.
  package func readOnlyDescriptor() throws(SystemCallError) -> OwnedDescriptor {
    OwnedDescriptor(
      adopting: try check(clinux_reopen_read_only(file.raw), .open, "the pool, read-only"))
  }

  /// First byte of the pool, for a table of memory regions.
  package var unsafeBaseAddress: UnsafeMutableRawPointer { unsafe base }

  /// Bytes of one slot.
  ///
  /// Safe because the mapping lives as long as `self` and `slot` is checked; who may touch the
  /// bytes is decided by the slot's place in its life (architecture: free, filling, lent).
  package func unsafeBytes(slot: Int) -> UnsafeMutableRawBufferPointer {
    precondition(slot >= 0 && slot < shape.slotCount, "slot \(slot) is not in the pool")
    return unsafe UnsafeMutableRawBufferPointer(
      start: base + slot * shape.slotBytes, count: shape.slotBytes)
  }
}

extension SharedPool {
  /// A second descriptor that may write, for a reader plugin (read mode).
  package func writableCopy() throws(SystemCallError) -> OwnedDescriptor {
    OwnedDescriptor(
      adopting: try check(clinux_duplicate(writableDescriptor), .duplicate, "the pool"))
  }
}
