internal import BackupProtocol
internal import BlockSource

extension ChunkPlan {
  /// The allocation map as plugins get it: what will be read counts as data, bridged holes
  /// included, so that every DATA stays inside it (protocol.md §11).
  static func wireMap(_ extents: [Extent]) -> [MapExtent] {
    var plan = ChunkPlan(extents)
    var map: [MapExtent] = []
    while let step = plan.nextRun() {
      let extent = step.wire
      if let last = map.last, last.kind == extent.kind {
        map[map.count - 1].length += extent.length
      } else {
        map.append(extent)
      }
    }
    return map
  }
}

extension ChunkPlan.Step {
  fileprivate var wire: MapExtent {
    switch self {
    case .read(let offset, let length):
      MapExtent(offset: offset, length: UInt64(length), kind: .data)
    case .skip(let offset, let length, let kind):
      MapExtent(offset: offset, length: length, kind: kind == .hole ? .hole : .zero)
    }
  }
}
