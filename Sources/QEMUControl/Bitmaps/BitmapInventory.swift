internal import JSON
internal import System

/// The dirty bitmaps of a machine, by the node they belong to.
///
/// A backup looks at the topmost node of a medium only: what is written there is what the guest
/// writes. A bitmap below it, behind an external snapshot, no longer hears of that.
package struct BitmapInventory: Equatable, Sendable {
  /// A node and its bitmaps.
  package struct Node: Equatable, Sendable {
    /// The guest's view in bytes.
    package let size: Int64
    /// A bitmap can outlive QEMU there: a writable qcow2 of version 3.
    package let keepsBitmaps: Bool
    /// Those that have a name, anybody's.
    package let bitmaps: [NodeBitmap]

    /// Those of ours that backups continue from.
    package var ours: [(name: BitmapName, bitmap: NodeBitmap)] {
      bitmaps.compactMap { bitmap in
        BitmapName(bitmap: bitmap.name).map { ($0, bitmap) }
      }
    }

    package func bitmap(_ name: String) -> NodeBitmap? { bitmaps.first { $0.name == name } }
  }

  /// Nodes that are listed: of 512 drives, each with chains of files below it.
  private static let nodeCountMax = 32 << 10
  /// Bitmaps of one node; a qcow2 file has no more (QEMU `docs/interop/qcow2.txt`).
  private static let bitmapCountMax = 65535

  package private(set) var nodes: [String: Node] = [:]

  /// Asks QEMU; changes nothing.
  ///
  /// - Throws: `qmp`, `unexpected`.
  package static func read(
    _ monitor: any Monitor, seconds: Double = 10
  ) async throws(ControlError) -> BitmapInventory {
    let inquiry = Inquiry(monitor: monitor, deadline: .now.advanced(bySeconds: seconds))
    return try BitmapInventory(try await inquiry.asked("query-named-block-nodes", ["flat": true]))
  }

  /// - Parameter value: The answer to `query-named-block-nodes`.
  init(_ value: JSONValue) throws(ControlError) {
    let list = value.array ?? []
    guard list.count <= Self.nodeCountMax else { throw Self.malformed("\(list.count) nodes") }
    for entry in list {
      guard let name = entry["node-name"]?.string else { continue }
      nodes[name] = try Self.node(entry)
    }
  }

  private static func node(_ entry: JSONValue) throws(ControlError) -> Node {
    let list = entry["dirty-bitmaps"]?.array ?? []
    guard list.count <= bitmapCountMax else { throw malformed("\(list.count) bitmaps") }
    var bitmaps: [NodeBitmap] = []
    for value in list {
      if let bitmap = try NodeBitmap(value) { bitmaps.append(bitmap) }
    }
    let image = entry["image"]
    let isWritableQCOW2 = entry["drv"] == "qcow2" && entry["ro"]?.bool == false
    return Node(
      size: image?["virtual-size"]?.integer ?? 0,
      keepsBitmaps: isWritableQCOW2 && image?["format-specific"]?["data"]?["compat"] == "1.1",
      bitmaps: bitmaps)
  }

  private static func malformed(_ what: String) -> ControlError {
    .unexpected(command: "query-named-block-nodes", what: what)
  }

  /// Removes bitmaps of ours that began when their disk had another size: QEMU does not know what a
  /// resize has changed, and when the disk has its old size again nobody could tell.
  ///
  /// - Returns: What is left.
  package func removingOutgrown(
    on wanted: [String], _ monitor: any Monitor
  ) async throws(ControlError) -> BitmapInventory {
    var left = self
    for name in wanted {
      guard let node = nodes[name] else { continue }
      for (own, bitmap) in node.ours
      where own.bytes > 0 && own.bytes != UInt64(clamping: node.size) && !bitmap.isBusy {
        do throws(QMPError) {
          try await BitmapRemoval.remove(bitmap.name, node: name, monitor, seconds: 10)
        } catch {
          throw .qmp(error)
        }
        left.nodes[name] = Node(
          size: node.size, keepsBitmaps: node.keepsBitmaps,
          bitmaps: (left.nodes[name]?.bitmaps ?? []).filter { $0.name != bitmap.name })
      }
    }
    return left
  }

  package subscript(node: String) -> Node? { nodes[node] }
}
