internal import SharedPool
internal import System

/// Tries what every job needs of the kernel's memory: a sealed pool and its read-only twin.
enum SharedMemoryProbe {
  static func run() throws(SystemCallError) {
    let pool = try SharedPool(PoolShape(slotCount: 4, slotBytes: 64 << 10), name: "sluice-probe")
    _ = try pool.readOnlyDescriptor()
  }
}
