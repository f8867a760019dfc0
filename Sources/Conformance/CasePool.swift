internal import BackupProtocol
internal import CLinux
internal import Glibc
internal import SharedPool
internal import System

/// The pool of one case, of which only the pages that are used take memory: also one of 4 GiB. One
/// thread owns it.
@safe final class CasePool {
  let shape: PoolShape
  private let file: OwnedDescriptor
  private let base: UnsafeMutableRawPointer

  /// - Parameters:
  ///   - byteCount: What the memory file really has; the shape's if `nil`.
  ///   - isSealed: Whether nobody can shrink or grow it, as the protocol demands.
  init(
    _ shape: PoolShape, byteCount: Int? = nil, isSealed: Bool = true
  ) throws(SystemCallError) {
    self.shape = shape
    let name = "sluice-check"
    file = OwnedDescriptor(
      adopting: try check(unsafe clinux_memfd_create(name), .memfdCreate, name))
    try check(clinux_ftruncate(file.raw, Int64(byteCount ?? shape.byteCount)), .ftruncate, name)
    var address: UnsafeMutableRawPointer?
    try check(unsafe clinux_map_shared(file.raw, shape.byteCount, 1, &address), .map, name)
    unsafe base = address!
    if isSealed {
      let seals = Int32(CLINUX_SEAL_SHRINK | CLINUX_SEAL_GROW)
      try check(clinux_add_seals(file.raw, seals), .seal, name)
    }
    try check(clinux_fchmod(file.raw, 0o400), .fchmod, name)
  }

  deinit { unsafe _ = clinux_unmap(base, shape.byteCount) }

  /// What the plugin gets as channel 5.
  func descriptor(isWritable: Bool) throws(SystemCallError) -> OwnedDescriptor {
    let raw = isWritable ? clinux_duplicate(file.raw) : clinux_reopen_read_only(file.raw)
    return OwnedDescriptor(adopting: try check(raw, .duplicate, "the pool"))
  }

  /// Puts bytes into a slot.
  func fill(_ slot: Int, with bytes: ArraySlice<UInt8>) {
    precondition(slot >= 0 && slot < shape.slotCount && bytes.count <= shape.slotBytes)
    unsafe bytes.withUnsafeBytes { source in
      guard let from = source.baseAddress else { return }
      unsafe _ = memcpy(base + slot * shape.slotBytes, from, source.count)
    }
  }

  /// Overwrites the beginning of a slot: nobody may look at it any more.
  func poison(_ slot: Int, _ count: Int) {
    precondition(slot >= 0 && slot < shape.slotCount && count <= shape.slotBytes)
    unsafe _ = memset(base + slot * shape.slotBytes, 0xDB, count)
  }

  /// CRC32C of the beginning of a slot.
  func checksum(_ slot: Int, _ count: Int) -> UInt32 {
    let bytes = bytes(slot, count)
    var checksum = CRC32C()
    unsafe checksum.add(bytes.span.bytes)
    return checksum.value
  }

  /// A copy of the beginning of a slot.
  func bytes(_ slot: Int, _ count: Int) -> [UInt8] {
    precondition(slot >= 0 && slot < shape.slotCount && count <= shape.slotBytes)
    return unsafe Array(UnsafeRawBufferPointer(start: base + slot * shape.slotBytes, count: count))
  }
}
