import BackupProtocol
import CLinux
import Glibc
import JSON
import ScriptedHost
import SharedPool
import System
import Testing
import WriterKit

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
