internal import JSON
internal import System

/// What bears the mark of a job in a running QEMU.
package struct MarkedThings: Equatable, Sendable {
  struct Export: Equatable, Sendable {
    let id: String
    let isNBD: Bool
    let isShuttingDown: Bool
  }

  struct Job: Equatable, Sendable {
    let id: String
    let status: String
  }

  struct DescriptorSet: Equatable, Sendable {
    let name: String
    let number: Int64
  }

  /// One that is read during a job, at a node of the machine; those at our own go with them.
  struct Bitmap: Equatable, Sendable {
    let node: String
    let name: String
  }

  var exports: [Export] = []
  var jobs: [Job] = []
  var nodes: [String] = []
  var bitmaps: [Bitmap] = []
  var descriptorSets: [DescriptorSet] = []
  /// Somebody else exports by NBD.
  var hasForeignNBD = false

  /// Looks for the things of one job, or of all.
  ///
  /// - Throws: `qmp`.
  package static func find(
    _ monitor: any Monitor, of mark: JobMark?, seconds: Double
  ) async throws(ControlError) -> MarkedThings {
    let inquiry = Inquiry(monitor: monitor, deadline: .now.advanced(bySeconds: seconds))
    var found = MarkedThings()
    for export in try await inquiry.asked("query-block-exports").array ?? [] {
      found.add(export: export, of: mark)
    }
    for job in try await inquiry.asked("query-jobs").array ?? [] {
      guard let id = job["id"]?.string, isMarked(id, by: mark) else { continue }
      found.jobs.append(Job(id: id, status: job["status"]?.string ?? ""))
    }
    let nodes = try await inquiry.asked("query-named-block-nodes", ["flat": true])
    for node in nodes.array ?? [] { found.add(node: node, of: mark) }
    for set in try await inquiry.asked("query-fdsets").array ?? [] {
      let names = (set["fds"]?.array ?? []).compactMap { $0["opaque"]?.string }
      guard let name = names.first(where: { isMarked($0, by: mark) }),
        let number = set["fdset-id"]?.integer
      else { continue }
      found.descriptorSets.append(DescriptorSet(name: name, number: number))
    }
    return found
  }

  private mutating func add(export: JSONValue, of mark: JobMark?) {
    guard let id = export["id"]?.string else { return }
    let isNBD = export["type"] == "nbd"
    if Self.isMarked(id, by: mark) {
      exports.append(
        Export(id: id, isNBD: isNBD, isShuttingDown: export["shutting-down"]?.bool ?? false))
    } else if isNBD {
      hasForeignNBD = true
    }
  }

  private mutating func add(node: JSONValue, of mark: JobMark?) {
    guard let name = node["node-name"]?.string else { return }
    if Self.isMarked(name, by: mark) { return nodes.append(name) }
    // That of another job's spool goes with its node.
    if JobMark(markOf: name) != nil { return }
    for bitmap in node["dirty-bitmaps"]?.array ?? [] {
      guard let bitmap = bitmap["name"]?.string, Self.isMarked(bitmap, by: mark) else { continue }
      bitmaps.append(Bitmap(node: name, name: bitmap))
    }
  }

  private static func isMarked(_ name: String, by mark: JobMark?) -> Bool {
    guard let mark else { return JobMark(markOf: name) != nil }
    return name.hasPrefix(mark.prefix)
  }

  /// Whether nothing is left that does anything.
  ///
  /// Sets of descriptors do not count: a guest that stands still keeps those that were removed
  /// until it runs (QEMU 7.2 `monitor/fds.c`), and they are empty files without a name.
  package var isEmpty: Bool {
    exports.isEmpty && jobs.isEmpty && nodes.isEmpty && bitmaps.isEmpty
  }

  /// All names, sets of descriptors excepted.
  package var names: [String] {
    exports.map(\.id) + jobs.map(\.id) + nodes + bitmaps.map(\.name)
  }

  /// The jobs they belong to.
  package var marks: Set<JobMark> { Set(names.compactMap { JobMark(markOf: $0) }) }
}
