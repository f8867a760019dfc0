internal import JSON

extension PointInTime {
  /// What the transaction does with bitmaps, after all its jobs have begun.
  ///
  /// A job keeps its disk drained to the end of the transaction; bitmap actions alone do not, so
  /// that a disk on an I/O thread could write between two of them. So no write is between the new
  /// bitmap's beginning and the merge: each is in the parent's bitmap and thus in the merged one,
  /// or in the new one (docs/decisions/0028).
  var bitmapActions: [JSONValue] { disks.indices.flatMap(bitmapActions) }

  private func bitmapActions(_ number: Int) -> [JSONValue] {
    let disk = disks[number]
    guard let bitmaps = disk.bitmaps else { return [] }
    let new = Self.add(
      bitmaps.new.bitmap, to: disk.node, isPersistent: bitmaps.isPersistent, isDisabled: false)
    guard let parent = bitmaps.parent else { return [new] }
    let merge: JSONObject = [
      "node": .string(changesNode(number)), "target": .string(mark.changes(number)),
      "bitmaps": [["node": .string(disk.node), "name": .string(parent.name.bitmap)]],
    ]
    return [
      new,
      Self.add(
        mark.changes(number), to: changesNode(number), isPersistent: method != .fleece,
        isDisabled: true),
      ["type": "block-dirty-bitmap-merge", "data": .object(merge)],
    ]
  }

  /// The node of the merged bitmap: the disk's own, or that of the spool, which QEMU stores it in
  /// when it closes the spool.
  private func changesNode(_ number: Int) -> String {
    method == .fleece ? disks[number].node : mark.overlay(number)
  }

  private static func add(
    _ name: String, to node: String, isPersistent: Bool, isDisabled: Bool
  ) -> JSONValue {
    [
      "type": "block-dirty-bitmap-add",
      "data": [
        "node": .string(node), "name": .string(name),
        "granularity": .integer(NodeBitmap.ourGranularity), "persistent": .bool(isPersistent),
        "disabled": .bool(isDisabled),
      ],
    ]
  }

  /// Keeps for people when the new bitmaps began.
  func noteBitmaps(_ taken: Taken) {
    guard let journal, let new = disks.lazy.compactMap(\.bitmaps?.new).first else { return }
    BitmapTimes(beside: journal).note(new, seconds: taken.seconds, qmp: journal.contents.qmp)
  }

  /// What an NBD export shows beside the data.
  func exportedBitmaps(_ number: Int) -> JSONValue? {
    guard method == .fleece, disks[number].bitmaps?.parent != nil else { return nil }
    return [["node": .string(disks[number].node), "name": .string(mark.changes(number))]]
  }

  /// Which disk's parent is no longer as it was judged, if that is why a transaction was refused.
  func lostParent() async throws(ControlError) -> ControlError? {
    guard disks.contains(where: { $0.bitmaps?.parent != nil }) else { return nil }
    let inventory = try await BitmapInventory.read(monitor)
    for disk in disks {
      guard let parent = disk.bitmaps?.parent else { continue }
      let judgement = inventory.judge(parent.name, on: disk.node, parentBytes: parent.bytes)
      if case .unusable(let obstacle) = judgement {
        return .bitmapUnusable(disk: disk.name, obstacle)
      }
    }
    return nil
  }
}
