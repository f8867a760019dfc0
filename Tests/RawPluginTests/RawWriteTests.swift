import BackupProtocol
import CLinux
import Glibc
import JSON
import ScriptedHost
import SharedPool
import System
import Testing
import WriterKit

/// Bytes that look random and are the same each time; each 4 KiB block is data or zeros.
func pattern(_ count: Int, seed: UInt64, zeroBlocks: (Int) -> Bool = { _ in false }) -> [UInt8] {
  var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  var bytes = [UInt8](repeating: 0, count: count)
  for block in 0..<((count + 4095) / 4096) where !zeroBlocks(block) {
    for place in (block * 4096)..<min(count, (block + 1) * 4096) {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      bytes[place] = UInt8(truncatingIfNeeded: state) | 1
    }
  }
  return bytes
}

func treeDigest(_ bytes: [UInt8]) -> Digest {
  var tree = TreeDigest()
  tree.update(bytes.span.bytes)
  return tree.finish()
}

/// Bytes of the 4 KiB blocks that are not all zeros: what a hole-exact file takes.
func dataBytes(_ bytes: [UInt8]) -> Int {
  stride(from: 0, to: bytes.count, by: 4096).reduce(0) { sum, start in
    let isZero = bytes[start..<min(bytes.count, start + 4096)].allSatisfy { $0 == 0 }
    return sum + (isZero ? 0 : 4096)
  }
}

let edgeSizes = [
  0, 1, 511, 512, 4095, 4096, 65535, 65536, 65537, 1_048_575, 1_048_576, 1_048_577,
  3 * 1_048_576 + 5,
]

@Suite struct `Writing a raw directory` {
  /// Runs a whole job and checks everything that can be checked from outside.
  func roundTrip(
    _ contents: [Content], shared: Bool, masks: Bool = true, pieceBytes: Int = 0,
    shape: PoolShape = PoolShape(slotCount: 4, slotBytes: 1 << 20), options: JSONObject = [:]
  ) throws {
    let directory = try TemporaryDirectory()
    let pool = shared ? try SharedPool(shape, name: "test") : nil
    let plugin = try PluginProcess(
      "sluice-writer-raw", target: directory.descriptor, pool: pool, shape: shape)
    plugin.host.pieceBytes = pieceBytes
    let ack = try plugin.host.greet()
    #expect(ack.accepts(.sharedMemory) == shared)
    try plugin.host.start(contents, options: options)
    for content in contents {
      try plugin.host.write(content, digest: treeDigest(content.bytes), masks: masks)
    }
    let finished = try plugin.host.finish()
    #expect(plugin.wait() == .exit(0))
    #expect(plugin.host.unreleased == 0)
    try check(contents, directory, finished, holeExact: masks)
    #expect(try shell("cd \(directory.path) && sha256sum --quiet -c SHA256SUMS") == .exit(0))
  }

  func check(
    _ contents: [Content], _ directory: TemporaryDirectory, _ finished: Finished, holeExact: Bool
  ) throws {
    let receipt = try Receipt(parsing: directory.contents("manifest.json"))
    #expect(receipt.streams.map(\.name) == contents.map(\.stream.name))
    var expected = ["SHA256SUMS", "manifest.json"]
    for (content, stream) in zip(contents, receipt.streams) {
      let isDisk = content.stream.kind == .disk
      let name = content.stream.name + (isDisk ? ".raw" : "")
      expected.append(name)
      #expect(try directory.contents(name) == content.bytes)
      #expect(stream.digest == treeDigest(content.bytes))
      let status = try FileStatus(path: name, in: directory.descriptor.raw)
      #expect(status.permissions == 0o600)
      if isDisk && holeExact { #expect(status.storedBytes == dataBytes(content.bytes)) }
    }
    #expect(directory.names == expected.sorted())
    #expect(finished.artefacts.map(\.name).sorted() == expected.sorted())
  }

  @Test(arguments: edgeSizes, [true, false])
  func `a disk of any size comes out as it went in`(size: Int, shared: Bool) throws {
    try roundTrip([.disk(1, "d", pattern(size, seed: UInt64(size)))], shared: shared)
  }
}
