import BackupProtocol
import CLinux
import Glibc
import JSON
import ScriptedHost
import SharedPool
import System
import Testing
import WriterKit

/// Bytes that differ from block to block and are the same each time; each 4 KiB block is data or
/// zeros.
func pattern(_ count: Int, seed: UInt64, zeroBlocks: (Int) -> Bool = { _ in false }) -> [UInt8] {
  let template = (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 5) | 1 }
  var bytes = [UInt8](repeating: 0, count: count)
  for block in 0..<((count + 4095) / 4096) where !zeroBlocks(block) {
    let end = min(count, (block + 1) * 4096)
    bytes.replaceSubrange((block * 4096)..<end, with: template.prefix(end - block * 4096))
    var state = (seed &+ UInt64(block)) &* 0x9E37_79B9_7F4A_7C15
    for place in (block * 4096)..<min(end, block * 4096 + 16) {
      state ^= state >> 29
      state = state &* 0xBF58_476D_1CE4_E5B9
      bytes[place] = UInt8(truncatingIfNeeded: state >> 56) | 1
    }
  }
  return bytes
}

func treeDigest(_ bytes: [UInt8]) -> Digest {
  var tree = TreeDigest()
  tree.update(bytes.span.bytes)
  return tree.finish()
}

/// Ranges of 4 KiB blocks that are not all zeros: what a hole-exact file has besides holes.
func dataRanges(_ bytes: [UInt8]) -> [Range<Int>] {
  var ranges: [Range<Int>] = []
  for start in stride(from: 0, to: bytes.count, by: 4096) {
    let block = start..<min(bytes.count, start + 4096)
    if isZeros(bytes, block) { continue }
    if ranges.last?.upperBound == start {
      ranges[ranges.count - 1] = ranges[ranges.count - 1].lowerBound..<block.upperBound
    } else {
      ranges.append(block)
    }
  }
  return ranges
}

/// Ranges of a file that are no holes, as the filesystem says.
func dataRanges(of name: String, in directory: TemporaryDirectory) throws -> [Range<Int>] {
  let file = try openFile(name, in: directory.descriptor.raw, flags: O_RDONLY)
  var ranges: [Range<Int>] = []
  var position: Int64 = 0
  while true {
    let start = clinux_seek_data(file.raw, position)
    if start == -Int64(ENXIO) { return ranges }
    position = try check(clinux_seek_hole(file.raw, start), .lseek, name)
    ranges.append(Int(start)..<Int(position))
  }
}

let edgeSizes = [
  0, 1, 511, 512, 4095, 4096, 65535, 65536, 65537, 1_048_575, 1_048_576, 1_048_577,
  3 * 1_048_576 + 5,
]

/// How a test talks to the plugin.
struct Talk: Sendable {
  var isShared = true
  var masks = true
  /// Bytes of one write to the plugin; 0 for whole frames.
  var pieceBytes = 0
  var shape = PoolShape(slotCount: 4, slotBytes: 1 << 20)
  var options: JSONObject = [:]
}

/// The plugin in write mode, up to its HELLO_ACK.
func startWriter(_ directory: TemporaryDirectory, _ talk: Talk = Talk()) throws -> PluginProcess {
  let pool = talk.isShared ? try SharedPool(talk.shape, name: "test") : nil
  let plugin = try PluginProcess(
    "sluice-writer-raw", target: directory.descriptor, pool: pool, shape: talk.shape)
  plugin.host.pieceBytes = talk.pieceBytes
  let ack = try plugin.host.greet()
  #expect(ack.accepts(.sharedMemory) == talk.isShared)
  return plugin
}

/// A whole archive of the contents.
@discardableResult
func write(
  _ contents: [Content], to directory: TemporaryDirectory, _ talk: Talk = Talk()
) throws -> Finished {
  let plugin = try startWriter(directory, talk)
  try plugin.host.start(contents, options: talk.options)
  for content in contents {
    try plugin.host.write(content, digest: treeDigest(content.bytes), masks: talk.masks)
  }
  let finished = try plugin.host.finish()
  #expect(plugin.wait() == .exit(0))
  #expect(plugin.host.unreleased == 0)
  return finished
}

/// The plugin in read mode, up to its HELLO_ACK.
func startReader(
  _ directory: TemporaryDirectory, _ talk: Talk = Talk(), features: [String] = ["random-read"]
) throws -> PluginProcess {
  let pool = talk.isShared ? try SharedPool(talk.shape, name: "test") : nil
  let plugin = try PluginProcess(
    "sluice-writer-raw", target: directory.descriptor, pool: pool, shape: talk.shape,
    isPoolWritable: true)
  plugin.host.pieceBytes = talk.pieceBytes
  try plugin.host.greet(features: features + (talk.isShared ? ["shm"] : []))
  return plugin
}

/// FINISH and a good end of a reader.
func finish(_ plugin: PluginProcess) throws {
  _ = try plugin.host.finish()
  #expect(plugin.wait() == .exit(0))
}
