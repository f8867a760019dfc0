internal import JSON
internal import System

extension PointInTime {
  /// Shows a disk, as it was, by vhost-user-blk on a listening socket; read-only.
  ///
  /// - Parameters:
  ///   - number: Of the disk, from 0.
  ///   - listener: A listening unix socket; QEMU gets a duplicate and serves one connection at a
  ///     time.
  package func exportVhostUser(_ number: Int, listener: Int32) async throws(ControlError) {
    let name = mark.vhostUserListener(number)
    try await passing(listener, as: name) { () throws(ControlError) in
      try await self.execute(
        "block-export-add",
        [
          "type": "vhost-user-blk", "id": .string(self.mark.vhostUserExport(number)),
          "node-name": .string(self.mark.overlay(number)), "writable": false,
          "addr": ["type": "fd", "str": .string(name)],
        ])
    }
  }

  /// Starts QEMU's NBD server on a listening socket.
  ///
  /// - Throws: `nbdServerInUse` if another program uses it; `qmp`, `ended`.
  package func startNBD(listener: Int32) async throws(ControlError) {
    let name = mark.nbdListener
    noteNBDServer(true)
    do throws(ControlError) {
      try await passing(listener, as: name) { () throws(ControlError) in
        try await self.execute(
          "nbd-server-start",
          ["addr": ["type": "fd", "data": ["str": .string(name)]], "max-connections": 0])
      }
    } catch {
      guard case .qmp(.refused(_, _, let words)) = error else { throw error }
      noteNBDServer(false)
      throw .nbdServerInUse(words: words)
    }
  }

  /// Shows a disk, as it was, by the NBD server, under the disk's name; read-only. If its changes
  /// since a parent are known, they are there too, as `JobMark.changes(_:)`.
  ///
  /// Never for a disk that `WaySafety` does not allow it for: QEMU would abort.
  package func exportNBD(_ number: Int) async throws(ControlError) {
    var export: JSONObject = [
      "type": "nbd", "id": .string(mark.nbdExport(number)),
      "node-name": .string(mark.overlay(number)), "name": .string(disks[number].name),
      "writable": false,
    ]
    export["bitmaps"] = exportedBitmaps(number)
    try await execute("block-export-add", export)
  }

  /// Ends the NBD exports and the server, before the take-down; the point in time stays.
  package func stopNBD() async throws(ControlError) {
    let deadline = MonotonicTime.now.advanced(bySeconds: 5)
    while true {
      let found = try await MarkedThings.find(monitor, of: mark, seconds: 5)
      let exports = found.exports.filter(\.isNBD)
      if exports.isEmpty { break }
      guard MonotonicTime.now < deadline else {
        throw .qmp(.notInTime(command: "block-export-del", seconds: 5))
      }
      for export in exports where !export.isShuttingDown {
        try await execute("block-export-del", ["id": .string(export.id), "mode": "hard"])
      }
      await pause(milliseconds: 2)
    }
    guard steps.ownsNBDServer else { return }
    try await execute("nbd-server-stop")
    noteNBDServer(false)
  }

  /// Hands a descriptor to QEMU for one command, which takes it; a refused one leaves it.
  private func passing(
    _ descriptor: Int32, as name: String, to command: () async throws(ControlError) -> Void
  ) async throws(ControlError) {
    try await execute("getfd", ["fdname": .string(name)], passing: descriptor)
    do throws(ControlError) {
      try await command()
    } catch {
      _ = try? await monitor.execute("closefd", ["fdname": .string(name)], seconds: 2)
      throw error
    }
  }
}
