internal import BackupProtocol

/// A stream and what it holds.
struct Content: Sendable {
  var stream: StreamDescription
  var bytes: [UInt8]
  /// Of an increment: what is told of each range. What is unchanged is zeros in `bytes`.
  var extents: [Extent]?
  /// Bytes of a hole that is the whole stream, larger than memory.
  var holeBytes: UInt64 = 0

  init(_ stream: StreamDescription, _ bytes: [UInt8], _ extents: [Extent]? = nil) {
    self.stream = stream
    self.bytes = bytes
    self.extents = extents
  }

  static func disk(_ id: UInt32, _ name: String, _ bytes: [UInt8]) -> Content {
    Content(
      StreamDescription(
        id: id, kind: .disk, name: name, role: "disk", size: UInt64(bytes.count)), bytes)
  }

  static func config(_ id: UInt32, _ name: String, _ bytes: [UInt8]) -> Content {
    Content(
      StreamDescription(
        id: id, kind: .config, name: name, role: "config", size: UInt64(bytes.count)), bytes)
  }

  /// The digest of CLOSE.
  var digest: Digest { Bytes.digest(bytes, extents) }

  /// Where the stream ends.
  var length: UInt64 { holeBytes > 0 ? holeBytes : UInt64(bytes.count) }
}

extension Content {
  /// A configuration and a disk of some clusters, in whole sectors: what nearly every format takes.
  static let usual = [
    config(1, "check.conf", Array(text.utf8)),
    disk(2, "check-disk", mixture(clusters: 51, tail: 512)),
  ]

  /// The same, of which nothing is large.
  static let small = [
    config(1, "check.conf", Array("name: check\n".utf8)),
    disk(2, "check-disk", mixture(clusters: 2, tail: 512)),
  ]

  private static let text = String(repeating: "# A file of a machine.\nname: check\n", count: 40)

  /// Clusters of data, of zeros, and of blocks of both.
  static func mixture(clusters: Int, tail: Int) -> [UInt8] {
    var bytes = Bytes.noise(clusters * 65536 + tail, seed: UInt64(clusters * 65536 + tail))
    for cluster in 0..<clusters {
      let start = cluster * 65536
      switch cluster % 7 {
      case 2, 3: Bytes.clear(&bytes, start..<start + 65536)
      case 1, 5:
        for block in [0, 3, 4, 9, 15] {
          Bytes.clear(&bytes, start + block * 4096..<start + (block + 1) * 4096)
        }
      default: continue
      }
    }
    return bytes
  }

  /// Clusters that are empty, as one before, or as none before, in an order that the seed decides;
  /// up to two empty ones come first.
  static func layout(clusters: Int, seed: UInt64) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: clusters * 65536)
    let choices = Bytes.noise(clusters, seed: seed)
    let some = (0..<3).map { Bytes.noise(65536, seed: seed * 10 + $0) }
    for cluster in Int(seed) % 3..<clusters {
      let choice = Int(choices[cluster] % 8)
      guard choice < 5 else { continue }
      let data =
        choice < 3 ? some[choice] : Bytes.noise(65536, seed: seed * 1000 + UInt64(cluster))
      Bytes.put(data, 0..<65536, into: &bytes, at: cluster * 65536)
    }
    return bytes
  }

  /// The masks of the clusters of a piece: a bit for each block that has a byte other than zero.
  func masks(_ range: Range<Int>) -> [BlockMask] {
    stride(from: range.lowerBound, to: range.upperBound, by: 65536).map { start in
      var mask: BlockMask = []
      for block in 0..<16 {
        let from = start + block * 4096
        guard from < range.upperBound else { break }
        if !Bytes.isZero(bytes, from..<min(from + 4096, range.upperBound)) { mask[block] = true }
      }
      return mask
    }
  }
}

/// How a host cuts and announces the bytes of a stream.
struct WritingStyle: Sendable {
  /// Whether blocks of zeros are told by masks.
  var hasMasks = true
  /// What clusters of zeros are sent as; `nil` sends them as data.
  var zeroKind: Extent.Kind? = .hole
  /// Bytes of the largest DATA.
  var pieceBytes = 1 << 20
  /// Every so many DATA are inline although there is a pool.
  var inlineEvery = 0
  var hasDigest = true
}

/// A part of a stream, as one frame.
enum Piece: Sendable {
  case data(Range<Int>)
  case zero(Range<UInt64>, Extent.Kind)
}

extension Content {
  /// The frames of the stream.
  func pieces(_ style: WritingStyle) -> [Piece] {
    if holeBytes > 0 { return [.zero(0..<holeBytes, .hole)] }
    guard let extents else { return cut(0..<bytes.count, style) }
    return extents.flatMap { extent -> [Piece] in
      extent.kind == .data
        ? Self.split(Int(extent.offset)..<Int(extent.end), style.pieceBytes).map { .data($0) }
        : [.zero(extent.offset..<extent.end, extent.kind)]
    }
  }

  private func cut(_ range: Range<Int>, _ style: WritingStyle) -> [Piece] {
    guard let kind = style.zeroKind else {
      return Self.split(range, style.pieceBytes).map { .data($0) }
    }
    var pieces: [Piece] = []
    var start = range.lowerBound
    while start < range.upperBound {
      let isHole = isZeroCluster(start)
      var end = start
      while end < range.upperBound, isZeroCluster(end) == isHole {
        end = min(range.upperBound, end + 65536)
      }
      pieces +=
        isHole
        ? [.zero(UInt64(start)..<UInt64(end), kind)]
        : Self.split(start..<end, style.pieceBytes).map { .data($0) }
      start = end
    }
    return pieces
  }

  private func isZeroCluster(_ start: Int) -> Bool {
    Bytes.isZero(bytes, start..<min(bytes.count, start + 65536))
  }

  private static func split(_ range: Range<Int>, _ most: Int) -> [Range<Int>] {
    stride(from: range.lowerBound, to: range.upperBound, by: most).map {
      $0..<min(range.upperBound, $0 + most)
    }
  }

  /// What a map says of the stream: data for all that the pieces have as data.
  func map(_ style: WritingStyle) -> [Extent] {
    var map: [Extent] = []
    for piece in pieces(style) {
      switch piece {
      case .data(let range): map.append(upTo: UInt64(range.upperBound), .data)
      case .zero(let range, let kind): map.append(upTo: range.upperBound, kind)
      }
    }
    return map
  }
}
