package import BackupProtocol
internal import CommandLine
internal import Testing

extension Workshop {
  /// Expects that an archive holds exactly the contents, in their order.
  package func expect(
    _ file: ScratchArchive, holds contents: [Content], _ mode: Job.Mode = .verify,
    _ talk: Talk = Talk()
  ) throws {
    let outcome = try readAll(file, mode, talk)
    #expect(outcome.code == .none, "\(outcome.message)")
    #expect(outcome.streams.map(\.name) == contents.map(\.stream.name))
    for (answer, (stream, content)) in zip(outcome.answers, zip(outcome.streams, contents)) {
      #expect(stream.kind == content.stream.kind, "\(stream.name)")
      #expect(areEqual(answer.bytes, content.bytes), "\(stream.name) differs")
      #expect(answer.isOpened && answer.close?.logicalLength == UInt64(content.bytes.count))
    }
  }
}
