import BackupProtocol
import ScriptedHost
import Testing

private let workshop = Workshop(plugin: "sluice-writer-vma", format: "vma")

/// The plugin in write mode, up to its HELLO_ACK.
func startWriter(_ file: ArchiveFile, _ talk: Talk = Talk()) throws -> PluginProcess {
  try workshop.startWriter(file, talk)
}

/// A whole archive of the contents.
func write(_ contents: [Content], _ talk: Talk = Talk()) throws -> ArchiveFile {
  try workshop.write(contents, talk)
}

/// The plugin in read mode, up to its HELLO_ACK.
func startReader(_ file: ArchiveFile, _ talk: Talk = Talk()) throws -> PluginProcess {
  try workshop.startReader(file, talk)
}

/// Reads every stream of an archive, in the order that the plugin says.
func readAll(
  _ file: ArchiveFile, _ mode: Job.Mode = .verify, _ talk: Talk = Talk(), hasScratch: Bool = true
) throws -> Outcome {
  try workshop.readAll(file, mode, talk, hasScratch: hasScratch)
}

/// Expects that an archive holds exactly the contents, in their order.
func expect(
  _ file: ArchiveFile, holds contents: [Content], _ mode: Job.Mode = .verify,
  _ talk: Talk = Talk()
) throws {
  let outcome = try readAll(file, mode, talk)
  #expect(outcome.code == .none, "\(outcome.message)")
  #expect(outcome.streams.map(\.name) == contents.map(\.stream.name))
  for (answer, (stream, content)) in zip(outcome.answers, zip(outcome.streams, contents)) {
    #expect(stream.kind == content.stream.kind)
    #expect(areEqual(answer.bytes, content.bytes), "\(stream.name) differs")
    #expect(answer.isOpened && answer.close?.logicalLength == UInt64(content.bytes.count))
  }
}

/// Disks of sizes that end everywhere in blocks, clusters and extents; multiples of 512.
let edgeSizes = [
  512, 3584, 4096, 4608, 65024, 65536, 66048, 69632, 1_048_064, 1_048_576, 1_049_088,
  58 * 65536 - 512, 58 * 65536, 58 * 65536 + 512, 59 * 65536, 117 * 65536 + 4608,
]
