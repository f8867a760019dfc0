package import BackupProtocol
internal import CommandLine
internal import Testing

/// Ranges of a stream that a host may ask for: its ends, all of it, and others by chance.
package func ranges(ofStream size: Int, count: Int = 12, seed: UInt64 = 1) -> [Range<Int>] {
  guard size > 0 else { return [] }
  let clusters = (size + 65535) / 65536
  func range(_ first: Int, _ end: Int) -> Range<Int> { first * 65536..<min(size, end * 65536) }
  var (found, state) = ([range(0, 1), range(clusters - 1, clusters), range(0, clusters)], seed)
  for _ in 0..<count {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    let first = Int(state >> 33) % clusters
    found.append(range(first, first + 1 + Int(state >> 13) % (clusters - first)))
  }
  return found
}

extension ScriptedHost {
  /// Asks for a range and takes the answer.
  package func read(_ stream: StreamDescription, _ range: Range<Int>) throws -> Answer {
    try read(stream, ReadFrame(offset: UInt64(range.lowerBound), length: UInt64(range.count)))
  }

  /// Expects that ranges of a stream are those of its bytes, whatever came before.
  package func expectRanges(
    of stream: StreamDescription, are bytes: [UInt8], count: Int = 12, seed: UInt64 = 1
  ) throws {
    for range in ranges(ofStream: bytes.count, count: count, seed: seed) {
      let answer = try read(stream, range)
      #expect(
        answer.status == .none,
        "\(stream.name) \(range): \(streamErrors.last?.message ?? answer.status.name)")
      #expect(!answer.isOpened && answer.close == nil)
      let isRight = areEqual(answer.bytes, Array(bytes[range]))
      #expect(isRight, "\(stream.name) \(range) differs")
    }
  }
}

extension Workshop {
  /// Expects that ranges of all streams of an archive are those of its contents, by any way.
  package func expectRanges(
    _ file: ScratchArchive, of contents: [Content], _ talk: Talk = Talk(), seed: UInt64 = 1
  ) throws {
    let (plugin, streams) = try startRanges(file, talk)
    for stream in streams + streams.reversed() {
      guard let content = contents.first(where: { $0.stream.name == stream.name }) else { continue }
      try plugin.host.expectRanges(of: stream, are: content.bytes, seed: seed)
    }
    // What proves whole streams has nothing to say of ranges, and is not gone to.
    #expect(try !plugin.host.finish().isProven)
    #expect(plugin.wait() == .exit(0))
  }

  /// Expects that of no stream longer than a cluster a part can be read, and all of them whole.
  package func expectNoRanges(
    _ file: ScratchArchive, of contents: [Content], _ talk: Talk = Talk()
  ) throws {
    let (plugin, streams) = try startRanges(file, talk)
    for stream in streams {
      guard let size = stream.size, size > Cluster.bytes else { continue }
      #expect(try plugin.host.read(stream, 0..<65536).status == .unsupported, "\(stream.name)")
      let content = contents.first { $0.stream.name == stream.name }
      let isRight = areEqual(try plugin.host.read(stream).bytes, content?.bytes ?? [])
      #expect(isRight, "\(stream.name) differs")
    }
    _ = try plugin.host.finish()
    #expect(plugin.wait() == .exit(0))
  }
}
