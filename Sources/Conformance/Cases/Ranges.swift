internal import BackupProtocol
internal import SharedPool

extension ConformanceCase {
  /// Feature `random-read`, §7.2.
  static let ranges: [ConformanceCase] = [
    ConformanceCase(
      "random-read.ranges", "7.2-2", "4.4-3", scope: .format,
      does: "reads the first, a middle and the last range of a stream, again and backwards",
      remedy: "answer with DATA and ZERO that cover exactly the range, without OPEN and CLOSE; say "
        + "nothing of `proven`"
    ) { bench in try readRanges(bench, isShared: false) },
    ConformanceCase(
      "random-read.pool", "7.2-2", "9.3-1", scope: .format,
      does: "the same through a pool of 4 slots of 64 KiB",
      remedy: "take the shape of the pool from HELLO"
    ) { bench in try readRanges(bench, isShared: true) },
    ConformanceCase(
      "random-read.whole", "7.2-1", scope: .format,
      does: "reads whole streams although `random-read` is in use",
      remedy: "answer a READ of the whole stream with OPEN and CLOSE"
    ) { bench in
      let (host, streams) = try rangeReader(bench, isShared: false)
      for stream in streams {
        let answer = try host.read(stream)
        let content = bench.contents.first { $0.stream.name == stream.name }
        if let content { try answer.expect(content, "7.2-1") }
      }
      try host.finish()
    },
    ConformanceCase(
      "random-read.beyond", "7.2-5", scope: .format,
      does: "asks for ranges beyond the end; expects READ_DONE with E_LIMIT",
      remedy: "answer READ_DONE with E_LIMIT, and go on"
    ) { bench in
      let (host, streams) = try rangeReader(bench, isShared: false)
      for stream in streams {
        let end = (stream.size ?? 0) / 65536 * 65536 + 65536
        let answer = try host.read(stream, ReadFrame(offset: end, length: 65536))
        guard [.limit, .notFound].contains(answer.status) else {
          throw Fault("7.2-5", "READ_DONE has \(answer.status.name)")
        }
      }
      try host.finish()
    },
  ]

  private static func rangeReader(
    _ bench: CaseBench, isShared: Bool
  ) throws -> (host: CaseHost, streams: [StreamDescription]) {
    try bench.require(bench.reads, "the format has no read mode")
    let archive = try bench.write(bench.contents)
    var setup = CaseSetup()
    setup.mode = .read
    setup.features = ["random-read"]
    setup.hasPool = isShared
    setup.shape = PoolShape(slotCount: 4, slotBytes: 64 << 10)
    let host = try bench.startReader(archive, setup)
    try host.greet()
    try bench.require(host.accepted.contains("random-read"), "it does not accept random-read")
    return (host, try host.start([]).streams)
  }

  private static func readRanges(_ bench: CaseBench, isShared: Bool) throws {
    let (host, streams) = try rangeReader(bench, isShared: isShared)
    for stream in streams {
      guard let content = bench.contents.first(where: { $0.stream.name == stream.name }),
        !content.bytes.isEmpty
      else { continue }
      let size = content.bytes.count
      let last = (size - 1) / 65536 * 65536
      var parts = [last..<size, 0..<min(size, 65536), 0..<size]
      if last > 3 * 65536 { parts += [65536..<3 * 65536, last - 65536..<size] }
      for part in parts + parts.reversed() {
        let frame = ReadFrame(offset: UInt64(part.lowerBound), length: UInt64(part.count))
        let answer = try host.read(stream, frame, isShared ? .late : .atOnce)
        guard answer.status == .none else {
          throw Fault("7.2-2", "READ of bytes \(part) ended with \(answer.ending)")
        }
        guard Bytes.difference(answer.bytes, Array(content.bytes[part])) == nil else {
          throw Fault("7.2-2", "bytes \(part) of \"\(stream.name)\" are not those written")
        }
      }
    }
    let finished = try host.finish()
    guard !finished.isProven else {
      throw Fault("4.4-3", "FINISHED says `proven`, though ranges were read")
    }
  }
}
