import CommandLine
import Glibc
import System
import Testing

/// File names, which are bytes, as text.
struct NameTextTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  @Test func `every name of bytes is a text of its own`() throws {
    var texts: Set<[UInt8]> = []
    var count = 0
    // One and two bytes of every value, and what is nearly or really a scalar that stands for one.
    var names: [[UInt8]] = (1...255).map { [$0] }
    names += (0x80...0xFF).flatMap { first in (0x7E...0xC2).map { [first, $0] } }
    names += [0xB9, 0xBA, 0xBB, 0xBC].flatMap { third in
      [0x7F, 0x80, 0xBF, 0xC0].map { [0xF4, 0x8F, third, $0] }
    }
    names += [[0xF4, 0x8F, 0xBA], [0xF4, 0x8F, 0xBB, 0xA4, 0xE4], Array("lat\u{10FEE4}n".utf8)]
    for name in names {
      let text = nameText(name)
      #expect(nameBytes(text) == name)
      texts.insert(Array(text.utf8))
      count += 1
    }
    #expect(texts.count == count)
    #expect(nameText(Array("plain, ä, 漢, 🐟".utf8)) == "plain, ä, 漢, 🐟")
  }

  @Test(arguments: [
    [0x6C, 0x61, 0x74, 0xE4, 0x6E], [0xFF, 0xFE], [0xF4, 0x8F, 0xBB, 0xA4], [0xC3, 0xA4],
    [0xF4, 0x8F, 0xBA], [0xC3, 0x28], [0xED, 0xA0, 0x80],
  ])
  func `a file of any name is made, found and removed under it`(name: [UInt8]) throws {
    let text = nameText(name)
    try scratch.create(text, [1, 2, 3])
    #expect(try listNames(in: scratch.descriptor.raw).map(\.bytes) == [name])
    #expect(try listDirectory(scratch.directory) == [text])
    #expect(try realPath(scratch.path(text)) == scratch.path(text))
    #expect(try readSmallFile(text, in: scratch.descriptor.raw, limit: 9) == [1, 2, 3])
    // What a call without this library finds.
    var raw = scratch.directory.utf8.map { CChar(bitPattern: $0) } + [0x2F]
    raw += name.map { CChar(bitPattern: $0) } + [0]
    #expect(access(raw, F_OK) == 0)
    let found = try #require(try listNames(in: scratch.descriptor.raw).first)
    try found.unlink(in: scratch.descriptor.raw, isDirectory: false)
    #expect(try scratch.names() == [])
  }

  @Test func `a byte that is no text is shown by its number`() {
    #expect(sanitised(nameText([0x6C, 0xE4, 0x6E]).utf8) == "l\\xE4n")
    #expect(sanitised(nameText([0xFF, 0x0A, 0x80]).utf8) == "\\xFF \\x80")
  }
}
