internal import CLinux
internal import SharedPool
internal import System

/// The host's pool, mapped by a plugin. Stays mapped until the process ends.
@safe final class PoolMapping {
  let shape: PoolShape
  private let base: UnsafeMutableRawPointer

  /// Whether `descriptor` is a pool of this shape that nobody can shrink under our feet.
  static func isUsable(_ descriptor: Int32, _ shape: PoolShape) -> Bool {
    let seals = clinux_get_seals(descriptor)
    let wanted = Int32(CLINUX_SEAL_SHRINK | CLINUX_SEAL_GROW)
    guard seals >= 0, seals & wanted == wanted else { return false }
    guard let status = try? FileStatus(descriptor: descriptor, subject: "the pool") else {
      return false
    }
    return status.size == Int64(shape.byteCount)
  }

  /// Maps a pool that ``isUsable(_:_:)``.
  ///
  /// - Parameter isWritable: In read mode the slots are the plugin's.
  init(_ descriptor: Int32, _ shape: PoolShape, isWritable: Bool) throws(Ending) {
    var address: UnsafeMutableRawPointer?
    let result = unsafe clinux_map_shared(
      descriptor, shape.byteCount, isWritable ? 1 : 0, &address)
    guard result >= 0, let address = unsafe address else {
      throw .failed(PluginError("mapping the pool at descriptor \(descriptor)", errno: -result))
    }
    self.shape = shape
    unsafe base = address
  }

  /// Bytes of a slot.
  ///
  /// Safe because: the mapping stays, its seals keep it whole, and both bounds are checked.
  /// - Parameter count: 1…slot size.
  func unsafeBytes(slot: Int, count: Int) -> UnsafeMutableRawBufferPointer {
    precondition(slot >= 0 && slot < shape.slotCount, "slot \(slot) is not in the pool")
    precondition(count >= 0 && count <= shape.slotBytes, "\(count) bytes are not in a slot")
    return unsafe UnsafeMutableRawBufferPointer(
      start: base + slot * shape.slotBytes, count: count)
  }
}
