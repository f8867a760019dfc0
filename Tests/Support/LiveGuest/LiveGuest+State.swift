internal import JSON

/// What is in QEMU's block layer: equal before and after a backup, whatever came in between.
package struct BlockState: Equatable, Sendable, CustomStringConvertible {
  /// One line each: nodes with their drivers and files, bitmaps, drives, exports, jobs, fd sets.
  package let lines: [String]
  package var description: String { lines.joined(separator: "\n") }
}

extension LiveGuest {
  /// What is in QEMU's block layer now, without anything that counts or grows.
  package func blockState() throws -> BlockState {
    try BlockState(lines: (nodes() + drives() + exports() + jobs() + descriptors()).sorted())
  }

  /// `running`, `paused`, `io-error`, `prelaunch`, `shutdown`…
  package var runState: String {
    get throws { try monitor.query("query-status")["status"]?.string ?? "" }
  }

  private func nodes() throws -> [String] {
    try (monitor.query("query-named-block-nodes", ["flat": true]).array ?? []).flatMap { node in
      let name = node["node-name"].text
      let bitmaps = (node["dirty-bitmaps"]?.array ?? []).map {
        "bitmap \(name) \($0["name"].text) recording \($0["recording"].text)"
          + " busy \($0["busy"].text) persistent \($0["persistent"].text)"
      }
      return ["node \(name) \(node["drv"].text) \(node["file"].text)"] + bitmaps
    }
  }

  private func drives() throws -> [String] {
    try (monitor.query("query-block").array ?? []).map {
      "drive \($0["device"].text) \($0["qdev"].text) on \(($0["inserted"]?["node-name"]).text)"
    }
  }

  private func exports() throws -> [String] {
    try (monitor.query("query-block-exports").array ?? []).map {
      "export \($0["id"].text) \($0["type"].text) of \($0["node-name"].text)"
    }
  }

  private func jobs() throws -> [String] {
    try (monitor.query("query-jobs").array ?? []).map {
      "job \($0["id"].text) \($0["type"].text) \($0["status"].text)"
    }
  }

  private func descriptors() throws -> [String] {
    try (monitor.query("query-fdsets").array ?? []).map { "fdset \($0["fdset-id"].text)" }
  }
}

extension JSONValue? {
  fileprivate var text: String { self?.string ?? self?.text ?? "-" }
}
