import CommandLine
import ArchiveBytes
import BackupProtocol
import ScriptedHost
import TarFormat
import Testing
import WriterKit

/// The format `ova`, by a host that tells where disks have data.
let applianceWorkshop = Workshop(plugin: "sluice-writer-ova", format: "ova", sendsMaps: true)

/// An appliance as a list of members: taken apart, changed, put together again.
struct Members {
  var list: [(name: String, bytes: [UInt8])] = []

  init() {}

  /// The members of an archive.
  init(of archive: [UInt8]) throws {
    let walk = TarWalk(ArraySource(archive))
    while let member = try walk.next() {
      let start = Int(member.dataOffset)
      list.append((member.name, Array(archive[start..<(start + Int(member.byteCount))])))
    }
  }

  /// An appliance of others: its descriptor first.
  init(ovf: String, _ members: [(String, [UInt8])] = []) {
    list = [("m.ovf", Array(ovf.utf8))] + members
  }

  var archive: [UInt8] {
    var maker = TarMaker()
    for member in list { maker.add(member.name, member.bytes) }
    return maker.finished
  }

  subscript(name: String) -> [UInt8] {
    get { list.first { $0.name == name }?.bytes ?? [] }
    set {
      if let place = list.firstIndex(where: { $0.name == name }) { list[place].bytes = newValue }
    }
  }

  mutating func remove(_ name: String) { list.removeAll { $0.name == name } }

  /// Gives the manifest lines of what the members are now.
  mutating func sign() {
    let others = list.filter { !$0.name.hasSuffix(".mf") }
    let lines = others.map { member in
      var hash = SHA256()
      hash.update(member.bytes)
      let digest = Digest(algorithm: .sha256, bytes: hash.finish()).hexadecimal
      return "SHA256(\(member.name))= \(digest)\n"
    }
    guard let place = list.firstIndex(where: { $0.name.hasSuffix(".mf") }) else { return }
    list[place].bytes = Array(lines.joined().utf8)
  }

  /// The descriptor of an appliance of others.
  static func ovf(files: String, disks: String) -> String {
    """
    <Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" \
    xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"><References>\(files)</References>\
    <DiskSection><Info/>\(disks)</DiskSection>\
    <VirtualSystem ovf:id="m"><Info/><Name>m</Name></VirtualSystem></Envelope>
    """
  }

  static let stream =
    "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"
  static let raw = "http://en.wikipedia.org/wiki/Byte"
  static let qcow2 = "http://www.gnome.org/~markmc/qcow-image-format.html"

  /// The descriptor of one disk in one file.
  static func ovf(
    _ file: String, _ format: String, capacity: Int = 65536, more: String = "", disk: String = ""
  ) -> String {
    ovf(
      files: "<File ovf:id='f' ovf:href='\(file)' \(more)/>",
      disks: """
        <Disk ovf:diskId='d' ovf:fileRef='f' ovf:capacity='\(capacity)' ovf:format='\(format)' \
        \(disk)/>
        """)
  }
}

/// An archive in memory.
private final class ArraySource: ByteSource {
  private let bytes: [UInt8]
  private(set) var position: UInt64 = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
    let part = bytes[Int(position)...].prefix(buffer.count)
    buffer.copyBytes(from: part)
    position += UInt64(part.count)
    return part.count
  }

  func skip(_ count: Int) throws(ArchiveError) -> Int {
    let done = min(count, bytes.count - Int(position))
    position += UInt64(done)
    return done
  }
}

/// An appliance of ours whose receipt has digests.
func makeAppliance(_ contents: [Content], _ talk: Talk = Talk()) throws -> [UInt8] {
  let file = try ScratchArchive()
  let plugin = try applianceWorkshop.startWriter(file, talk)
  try plugin.host.start(contents, format: "ova", output: .file, options: talk.options)
  try plugin.host.sendMaps(contents)
  for content in contents { try plugin.host.write(content, digest: treeDigest(content.bytes)) }
  _ = try plugin.host.finish()
  try #require(plugin.wait() == .exit(0))
  return try file.bytes()
}

/// Expects that an appliance holds exactly the contents, in whatever order.
func expectAppliance(
  _ bytes: [UInt8], holds contents: [Content], _ mode: Job.Mode = .verify, _ talk: Talk = Talk()
) throws {
  let outcome = try applianceWorkshop.readAll(try ScratchArchive(bytes), mode, talk)
  #expect(outcome.code == .none, "\(outcome.message)")
  #expect(outcome.streams.map(\.name).sorted() == contents.map(\.stream.name).sorted())
  for (stream, answer) in zip(outcome.streams, outcome.answers) {
    let content = try #require(contents.first { $0.stream.name == stream.name })
    #expect(stream.kind == content.stream.kind && stream.role == content.stream.role)
    #expect(areEqual(answer.bytes, content.bytes), "\(stream.name) differs")
  }
}

/// Expects that reading an appliance fails, and says why.
func expectRefusal(
  _ bytes: [UInt8], _ code: ErrorCode = .corrupt, says words: String, _ mode: Job.Mode = .verify,
  _ kind: Job.OutputKind = .file
) throws {
  let outcome = try applianceWorkshop.readAll(try ScratchArchive(bytes), mode, Talk(kind: kind))
  #expect(outcome.code == code, "\(outcome.code) \(outcome.message)")
  #expect(outcome.message.contains(words), "\(outcome.message)")
}
