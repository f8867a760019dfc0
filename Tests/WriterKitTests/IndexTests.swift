import BackupProtocol
import CommandLine
import Glibc
import Testing
@testable import WriterKit

@Suite struct `The index of an archive` {
  private static let magic: [UInt8] = [0x89, 0x58, 0x0A]
  private let place: Scratch
  private let output: Output

  init() throws {
    place = try Scratch()
    let descriptor = open(place.path("archive"), O_RDWR | O_CREAT | O_EXCL, 0o600)
    output = Output(descriptor: descriptor, kind: .file)
  }

  private var input: Input { Input(descriptor: output.descriptor, kind: .file) }

  /// The bytes of an archive with this index, written.
  private func written(_ text: [UInt8]) throws -> [UInt8] {
    var file = output.file
    try file.append(Self.magic + [1, 2, 3])
    try file.writeIndex(text, Self.magic)
    let finished = try file.finish()
    #expect(finished == Finished(archiveBytes: file.place))
    return try file.read(Int(file.place), at: 0)
  }

  /// What is said of an archive of these bytes.
  private func refusal(_ bytes: [UInt8]) throws -> String? {
    try output.file.resize(to: 0)
    try output.file.write(bytes, at: 0)
    do {
      _ = try input.file.readIndex(Self.magic)
      return nil
    } catch {
      #expect(error.code == .corrupt)
      return error.message.replacing("the archive is damaged: ", with: "")
    }
  }

  @Test(arguments: [[], Array("{}".utf8), [UInt8](repeating: 7, count: Receipt.byteCountMax)])
  func `is found from the end of the file`(_ text: [UInt8]) throws {
    defer { close(output.descriptor) }
    let bytes = try written(text)
    #expect(try input.file.readIndex(Self.magic) == text)
    let end = bytes.suffix(19)
    #expect(bytes.count == 6 + text.count + 19 && end.suffix(3) == Self.magic[...])
    #expect(UInt64(littleEndianBytes: end.prefix(8)) == 6)
    #expect(UInt64(littleEndianBytes: end.dropFirst(8).prefix(4)) == UInt64(text.count))
  }

  @Test func `of more than 4 MiB is refused, and nothing of it is written`() throws {
    defer { close(output.descriptor) }
    var file = output.file
    #expect { try file.writeIndex([UInt8](repeating: 7, count: 4 << 20 | 1), Self.magic) } throws: {
      ($0 as? PluginError)?.code == .tooLarge
    }
    #expect(file.place == 0)
    #expect(try file.size() == 0)
  }

  @Test func `says what is wrong with it`() throws {
    defer { close(output.descriptor) }
    let whole = try written(Array("{}".utf8))
    func changed(_ place: Int) -> [UInt8] {
      var bytes = whole
      bytes[place] ^= 0x40
      return bytes
    }
    #expect(try refusal(whole) == nil)
    #expect(try refusal(Array(whole.prefix(18))) == "it ends early")
    #expect(try refusal([]) == "it ends early")
    #expect(try refusal(whole + [0]) == "it has no end, so it was not completed")
    #expect(try refusal(changed(whole.count - 1)) == "it has no end, so it was not completed")
    #expect(try refusal(changed(0)) == "it has another beginning")
    for place in 8..<20 { #expect(try refusal(changed(place)) == "its end is malformed") }
    for place in [6, 7, 20, 23] {
      #expect(try refusal(changed(place)) == "its index has another checksum")
    }
  }

  @Test func `is no reason to take memory for bytes that are not there`() throws {
    defer { close(output.descriptor) }
    _ = try written([])
    for (count, offset) in [(1 << 50, UInt64(0)), (1, .max), (1, 25), (26, 0)] {
      #expect(throws: PluginError(.corrupt, "the archive ends early")) {
        _ = try input.file.read(count, at: offset)
      }
    }
    #expect(try input.file.read(0, at: 25) == [])
  }

  @Test func `of a pipe needs no stable storage`() throws {
    defer { close(output.descriptor) }
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    var file = Output(descriptor: ends[1], kind: .pipe).file
    try file.append(Self.magic)
    try file.writeIndex([1, 2], Self.magic)
    #expect(try file.finish() == Finished(archiveBytes: 24))
    let found = try Input(descriptor: ends[0], kind: .pipe).file.readNext(24)
    #expect(UInt32(littleEndianBytes: found[17..<21]) == CRC32.of([1, 2]))
  }
}
