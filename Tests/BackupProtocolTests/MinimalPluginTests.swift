import CommandLine
import BackupProtocol
import FrameExercise
import Glibc
import Testing

/// The plugin printed in protocol.md §19 is run against the job printed in §20.
@Suite(.inTurns, .enabled(if: MinimalPlugin.canRun, "needs python3"))
struct MinimalPluginTests {
  @Test func `the printed plugin answers the printed job byte by byte`() throws {
    let plugin = try MinimalPlugin(input: Repository.wholeJob("H"))
    #expect(plugin.status == 0)
    #expect(plugin.output == Repository.wholeJob("P"))
    #expect(Repository.text(of: plugin.folder + "/out/web01.conf") == "name: web01\n")
    let disk = Repository.text(of: plugin.folder + "/out/root.raw").utf8
    #expect(disk.count == 66048)
    #expect(disk.dropFirst(65536).starts(with: "sluice".utf8))
  }

  @Test func `cut short anywhere it leaves nothing and exits 1`() throws {
    let whole = Repository.wholeJob("H")
    for end in [8, 30, 252, 600, 700, whole.count - 1] {
      let plugin = try MinimalPlugin(input: Array(whole.prefix(end)))
      #expect(plugin.status == 1)
      #expect(plugin.isOutputEmpty, "cut at \(end)")
      #expect(Exercise(plugin.output).error == nil)
    }
  }

  @Test func `ABORT is answered by ABORTED and leaves nothing`() throws {
    let frames = Exercise(Repository.wholeJob("H")).frames
    var writer = FrameWriter()
    for frame in frames.prefix(5) {
      writer.append(frame.header.type, flags: frame.header.flags, stream: frame.header.stream) {
        $0 += frame.payload
      }
    }
    writer.append(.abort, Abort(reason: "enough").object)
    let plugin = try MinimalPlugin(input: writer.pending)
    #expect(plugin.status == 1)
    #expect(plugin.isOutputEmpty)
    #expect(Exercise(plugin.output).frames.last?.header.type == .aborted)
  }

  @Test(arguments: [
    (FrameType.open, ErrorCode.state), (FrameType(rawValue: 0x0123), ErrorCode.unknownFrame),
  ])
  func `a frame out of place is answered by ERROR`(_ type: FrameType, _ code: ErrorCode) throws {
    var writer = FrameWriter()
    let hello = Hello(
      features: [], slotCount: 4, slotBytes: 1 << 16, hostName: "test", hostVersion: "1")
    writer.append(.hello, hello.object)
    writer.append(type, stream: 1) { $0 += Array("{}".utf8) }
    let plugin = try MinimalPlugin(input: writer.pending)
    #expect(plugin.status == 1)
    let answer = try #require(Exercise(plugin.output).frames.last)
    #expect(answer.header.type == .error)
    #expect(answer.payload.prefix(4) == [UInt8(code.rawValue), 0, 0, 0])
  }

  @Test func `its manifest is one, and by hand it says what it is`() throws {
    let info = try MinimalPlugin(input: [], protocolVariable: "SLUICE_PROTOCOL=info")
    #expect(info.status == 0)
    #expect(try Manifest(parsing: info.text).name == "minimal")
    let bare = try MinimalPlugin(input: [], protocolVariable: "SLUICE_PROTOCOL=")
    #expect(bare.status == 2)
  }
}

/// One run of the plugin, over files in a folder of its own instead of pipes.
final class MinimalPlugin {
  static let canRun = run("command -v python3 >/dev/null") == 0

  private let scratch: Scratch
  var folder: String { scratch.directory }
  let status: Int32
  var output: [UInt8] { Self.bytes(of: folder + "/4") }
  var text: [UInt8] { Self.bytes(of: folder + "/1") }
  var isOutputEmpty: Bool { Self.run("test -z \"$(ls -A '\(folder)/out')\"") == 0 }

  /// - Parameter format: Of the vectors it is `raw`; the plugin is told that this is its own.
  init(
    input: [UInt8], protocolVariable: String = "SLUICE_PROTOCOL=1", format: String = "minimal"
  ) throws {
    scratch = try Scratch()
    let folder = scratch.directory
    let text = Repository.listing("python minimal-plugin").joined(separator: "\n")
      .replacing(#""formats": [{"name": "minimal""#, with: #""formats": [{"name": "\#(format)""#)
    Self.write(Array(text.utf8), to: folder + "/plugin.py")
    Self.write(input, to: folder + "/3")
    mkdir(folder + "/out", 0o700)
    status = Self.run(
      """
      cd '\(folder)' && env -i PATH="$PATH" \(protocolVariable) \
      /usr/bin/python3 -E -s -B plugin.py 0</dev/null 1>1 2>2 3<3 4>4 6<out
      """)
  }

  private static func run(_ command: String) -> Int32 {
    let status = system(command)
    return status & 0x7F == 0 ? status >> 8 : -1
  }

  private static func write(_ bytes: [UInt8], to path: String) {
    guard let file = fopen(path, "w") else { return }
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
  }

  private static func bytes(of path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    return Array(buffer[..<fread(&buffer, 1, buffer.count, file)])
  }
}
