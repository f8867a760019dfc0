import CommandLine
import CLinux
import Glibc
import Requests
import SharedPool
import Sandbox
import System
import Testing

@testable import BlockSource

/// A directory with images made by QEMU's own tools; gone with its owner.
final class ImageFolder {
  private let scratch: Scratch
  var directory: String { scratch.directory }

  init() throws { scratch = try Scratch() }

  func path(_ name: String) -> String { scratch.path(name) }

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
      let block = noise(count, seed: UInt64(start))
      try block.withUnsafeBytes { try file.writeAll($0, at: Int64(start), subject: name) }
    }
  }
}

struct ToolFailure: Error {
  let command: String
  let output: String
}

extension ImageFolder {
  func bytes(of name: String) throws -> [UInt8] { try scratch.bytes(name) }

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

  /// An executable of this package.
  func tool(_ name: String) -> String { "\(Build.directory)/\(name)" }

  var launcher: String { tool("sluice-launcher") }
}

extension ImageFolder {
  func overwrite(_ name: String, at offset: Int64, with bytes: [UInt8]) throws {
    try scratch.write(name, bytes, at: offset)
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
    try scratch.create(name, Array(text.utf8))
  }
}
