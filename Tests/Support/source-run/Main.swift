import BackupProtocol
import BlockSource
import Glibc
import Requests
import Sandbox
import SharedPool
import System

// Reads a disk as a job does and says what it took, so that tests can be the host under another
// user, and people can measure:
//
//     source-run LAUNCHER vhost-user|nbd auto|strict OUTPUT IMAGE [FORMAT]
//
// OUTPUT becomes a raw copy; `-` throws the bytes away. Only what the map calls data is read.

@main
struct Run {
  static func main() {
    do { try run() } catch {
      print("error \(error)")
      exit(1)
    }
  }

  static func run() throws {
    let arguments = CommandLine.arguments
    guard arguments.count >= 6, let transport = Transport(rawValue: arguments[2]),
      let mode = SandboxMode(rawValue: arguments[3])
    else { exit(64) }
    let launcher = arguments[1]
    let request = ImageRequest(
      name: "disk", path: arguments[5],
      format: arguments.count > 6 ? ImageFormat(rawValue: arguments[6]) : nil, allowBacking: [])
    let image = try timed("inspect") {
      try ImageInspector.inspect(request, launcher: launcher, mode: mode)
    }
    let pool = try SharedPool(PoolShape(), name: "pool")
    let daemon = try StorageDaemon.start(
      images: [image], transport: transport, launcher: launcher, mode: mode)
    let map = try timed("map") { try daemon.allocationMap(image: 0) }
    let data = map.filter { $0.kind == .data }
    print("size \(image.size) extents \(map.count) data \(data.reduce(0) { $0 + $1.length })")
    let reader = try timed("connect") { try daemon.reader(image: 0, pool: pool) }
    let output = arguments[4] == "-" ? -1 : open(arguments[4], O_CREAT | O_WRONLY | O_TRUNC, 0o600)
    if output >= 0 { ftruncate(output, off_t(image.size)) }
    try timed("read") { try copy(data, reader, pool, to: output) }
    reader.close()
    if let usage = daemon.stop() {
      print("daemon \(usage.cpuSeconds) s, \(usage.peakBytes >> 20) MiB")
    }
  }

  static func timed<Result>(_ what: String, _ body: () throws -> Result) rethrows -> Result {
    let start = MonotonicTime.now
    let result = try body()
    print("\(what) \(Int(MonotonicTime.now.seconds(since: start) * 1e6)) us")
    return result
  }

  static func copy(
    _ extents: [Extent], _ reader: any DiskReader, _ pool: SharedPool, to output: Int32
  ) throws {
    var free = Array(0..<pool.shape.slotCount)
    var offsets = [UInt64](repeating: 0, count: free.count)
    var lengths = [Int](repeating: 0, count: free.count)
    var pieces = Pieces(extents, pieceBytes: UInt64(pool.shape.slotBytes))
    var poller = Poller()
    var inFlight = 0
    while true {
      while !free.isEmpty, let piece = pieces.next() {
        let slot = free.removeLast()
        (offsets[slot], lengths[slot]) = (piece.offset, Int(piece.length))
        try reader.submit(slot: slot, offset: piece.offset, length: Int(piece.length))
        inFlight += 1
      }
      if inFlight == 0 { return }
      poller.removeAll()
      reader.addDescriptors(to: &poller)
      _ = try poller.wait(seconds: 10)
      try reader.collect { done in
        inFlight -= 1
        free.append(done.slot)
        if done.code != 0 { print("failed \(offsets[done.slot]) \(errnoName(done.code))") }
        guard output >= 0, done.code == 0 else { return }
        pwrite(
          output, pool.unsafeBytes(slot: done.slot).baseAddress!, lengths[done.slot],
          off_t(offsets[done.slot]))
      }
    }
  }
}

/// Extents, cut into pieces of a slot.
struct Pieces {
  private var extents: ArraySlice<Extent>
  private var done: UInt64 = 0
  private let pieceBytes: UInt64

  init(_ extents: [Extent], pieceBytes: UInt64) {
    self.extents = extents[...]
    self.pieceBytes = pieceBytes
  }

  mutating func next() -> (offset: UInt64, length: UInt64)? {
    guard let extent = extents.first else { return nil }
    let length = min(pieceBytes, extent.length - done)
    let offset = extent.offset + done
    done += length
    if done == extent.length {
      extents.removeFirst()
      done = 0
    }
    return (offset, length)
  }
}
