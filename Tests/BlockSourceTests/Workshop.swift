import CLinux
import Glibc
import SharedPool
import Sandbox
import System
import Testing

@testable import BlockSource

/// A private directory with images made by QEMU's own tools; gone with its owner.
final class Workshop {
  let directory: String

  init() {
    var template = Array("/tmp/sluice-test-XXXXXX".utf8CString)
    directory = String(cString: mkdtemp(&template))
  }

  deinit { _ = try? shell("rm -rf '\(directory)'") }

  func path(_ name: String) -> String { "\(directory)/\(name)" }

  /// Runs a command of the shell inside the directory; it must succeed.
  @discardableResult
  func shell(_ command: String) throws -> String {
    let pipe = popen("cd '\(directory)' && { \(command) ; } 2>&1", "r")
    guard let pipe else { throw ToolFailure(command: command, output: "no shell") }
    var output: [UInt8] = []
    while case let byte = getc(pipe), byte != EOF { output.append(UInt8(byte)) }
    let text = String(decoding: output, as: UTF8.self)
    guard pclose(pipe) == 0 else { throw ToolFailure(command: command, output: text) }
    return text
  }

  /// The disk's content by QEMU's own converter: what every reader must deliver.
  func content(of name: String, format: String) throws -> [UInt8] {
    try shell("qemu-img convert -f \(format) -O raw '\(name)' '\(name).expected'")
    defer { _ = unlink(path("\(name).expected")) }
    return try bytes(of: "\(name).expected")
  }

  /// A raw file of patterns that differ from block to block, with the holes asked for.
  func makeRaw(_ name: String, bytes: Int, isData: (Int) -> Bool = { _ in true }) throws {
    let file = try openFile(path(name), flags: O_CREAT | O_WRONLY | O_TRUNC, mode: 0o600)
    try check(clinux_ftruncate(file.raw, Int64(bytes)), .ftruncate, name)
    for start in stride(from: 0, to: bytes, by: 64 << 10) where isData(start >> 16) {
      let count = min(64 << 10, bytes - start)
      let block = pattern(count, seed: UInt64(start))
      try block.withUnsafeBytes { try file.writeAll($0, at: Int64(start), subject: name) }
    }
  }

  /// Words that differ from each other and from those of another seed.
  private func pattern(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    let words = (0..<(count + 7) / 8).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1
      return state
    }
    return words.withUnsafeBytes { Array($0.prefix(count)) }
  }
}

/// Whether all bytes of a range are zero; quick in debug builds too.
func isZero(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
  bytes.withUnsafeBytes { buffer in
    range.isEmpty
      || buffer[range.lowerBound] == 0
        && memcmp(
          buffer.baseAddress! + range.lowerBound,
          buffer.baseAddress! + range.lowerBound + 1, range.count - 1) == 0
  }
}

struct ToolFailure: Error {
  let command: String
  let output: String
}

/// Reads a whole disk the way the pump does: every free slot asks for the next piece.
///
/// - Returns: The content and how many pieces failed, with their errno.
func readAll(
  _ reader: any DiskReader, pool: SharedPool, size: UInt64
) throws -> (bytes: [UInt8], failures: [(offset: UInt64, code: Int32)]) {
  var bytes = [UInt8](repeating: 0xEE, count: Int(size))
  var failures: [(offset: UInt64, code: Int32)] = []
  var free = Array(0..<pool.shape.slotCount)
  var pieces: [Int: (offset: Int, length: Int)] = [:]
  var next = 0
  var poller = Poller()
  let deadline = MonotonicTime.now.advanced(bySeconds: 60)
  while next < Int(size) || !pieces.isEmpty {
    while next < Int(size), let slot = free.popLast() {
      let length = min(pool.shape.slotBytes, Int(size) - next)
      try reader.submit(slot: slot, offset: UInt64(next), length: length)
      pieces[slot] = (next, length)
      next += length
    }
    poller.removeAll()
    reader.addDescriptors(to: &poller)
    if try poller.wait(seconds: 10) == 0, MonotonicTime.now > deadline { throw Stalled() }
    try reader.collect { completion in
      let piece = pieces.removeValue(forKey: completion.slot)!
      free.append(completion.slot)
      if completion.code != 0 {
        failures.append((UInt64(piece.offset), completion.code))
        return
      }
      let slot = UnsafeRawBufferPointer(pool.unsafeBytes(slot: completion.slot))
      bytes.withUnsafeMutableBytes {
        $0.baseAddress!.advanced(by: piece.offset).copyMemory(
          from: slot.baseAddress!, byteCount: piece.length)
      }
    }
  }
  return (bytes, failures)
}

struct Stalled: Error {}

extension Workshop {
  func bytes(of name: String) throws -> [UInt8] {
    let file = try openFile(path(name), flags: O_RDONLY)
    let size = Int(try FileStatus(descriptor: file.raw, subject: name).size)
    var bytes = [UInt8](repeating: 0, count: size)
    let count = try bytes.withUnsafeMutableBytes {
      try file.readAll(into: $0, at: 0, subject: name)
    }
    #expect(count == size)
    return bytes
  }

  func inspect(
    _ name: String, format: ImageFormat? = nil, allow: [String] = []
  ) throws -> InspectedImage {
    try ImageInspector.inspect(
      ImageRequest(name: "disk", path: path(name), format: format, allowBacking: allow),
      launcher: launcher, mode: .auto)
  }

  func start(_ images: [InspectedImage], _ transport: Transport) throws -> StorageDaemon {
    try StorageDaemon.start(
      images: images, transport: transport, launcher: launcher, mode: .auto)
  }

  /// An executable of this package: beside the test's own.
  func tool(_ name: String) -> String {
    let own = (try? realPath("/proc/self/exe")) ?? ""
    return own.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/\(name)"
  }

  var launcher: String { tool("sluice-launcher") }
}

extension Workshop {
  func overwrite(_ name: String, at offset: Int64, with bytes: [UInt8]) throws {
    let file = try openFile(path(name), flags: O_RDWR)
    try bytes.withUnsafeBytes { try file.writeAll($0, at: offset, subject: name) }
  }

  /// Replaces the only occurrence of some bytes by others.
  func patch(_ name: String, find: [UInt8], replace: [UInt8]) throws {
    let content = try bytes(of: name)
    // Headers only: what is patched lies in the first cluster.
    let place = (0..<min(content.count - find.count, 64 << 10)).first {
      content[$0] == find[0] && content[$0..<($0 + find.count)].elementsEqual(find)
    }
    try overwrite(name, at: Int64(try #require(place)), with: replace)
  }

  /// A vmdk image that is only a text, with one line about an extent.
  func makeDescriptor(_ name: String, _ line: String) throws {
    let text = """
      # Disk DescriptorFile
      version=1
      CID=11111111
      parentCID=ffffffff
      createType="monolithicFlat"

      # Extent description
      \(line)

      # The Disk Data Base
      ddb.geometry.cylinders = "1"

      """
    let file = try openFile(path(name), flags: O_CREAT | O_WRONLY | O_TRUNC, mode: 0o600)
    try Array(text.utf8).withUnsafeBytes { try file.writeAll($0, at: 0, subject: name) }
  }
}
