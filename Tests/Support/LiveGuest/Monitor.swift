internal import CLinux
package import JSON
import Synchronization
import System

/// The test's own talk with QEMU: one command at a time, no cleverness.
package final class Monitor: Sendable {
  private struct State {
    var pending: [UInt8] = []
    var events: [JSONValue] = []
    var nextID: Int64 = 1
  }

  private let socket: OwnedDescriptor
  private let state = Mutex(State())

  /// Connects as soon as somebody listens, and takes the greeting.
  package init(path: String, within seconds: Double = 5) async throws {
    let deadline = MonotonicTime.now.advanced(bySeconds: seconds)
    var raw = clinux_unix_connect(path)
    while raw < 0 && MonotonicTime.now < deadline {
      try await Task.sleep(for: .milliseconds(20))
      raw = clinux_unix_connect(path)
    }
    socket = OwnedDescriptor(adopting: try check(raw, .connect, path))
    _ = try state.withLock { state in
      try message(&state, deadline) { $0["QMP"] != nil }
    }
    try query("qmp_capabilities")
  }

  /// Runs a command.
  ///
  /// - Returns: What QEMU returned.
  /// - Throws: `MonitorError` if QEMU refuses, is gone, or is silent for ten seconds.
  @discardableResult
  package func query(_ command: String, _ arguments: JSONObject = [:]) throws -> JSONValue {
    try state.withLock { state in
      let id = state.nextID
      state.nextID += 1
      try send([
        "execute": .string(command), "arguments": .object(arguments), "id": .integer(id),
      ])
      let answer = try message(&state, MonotonicTime.now.advanced(bySeconds: 10)) {
        $0["id"]?.integer == id
      }
      if let error = answer["error"] { throw MonitorError.refused(command, error.text) }
      return answer["return"] ?? .null
    }
  }

  /// Names of the events that have come since the last call, in order.
  package func takeEvents() throws -> [String] {
    try query("query-status")
    return state.withLock { state in
      defer { state.events = [] }
      return state.events.compactMap { $0["event"]?.string }
    }
  }

  private func send(_ object: JSONValue) throws {
    let bytes = object.serialised() + [10]
    try bytes.withUnsafeBytes { try writeWhole(socket.raw, $0) }
  }

  /// The next message that is wanted; events before it are kept.
  private func message(
    _ state: inout State, _ deadline: MonotonicTime, _ isWanted: (JSONValue) -> Bool
  ) throws -> JSONValue {
    while true {
      while let end = state.pending.firstIndex(of: 10) {
        let line = Array(state.pending[..<end]).filter { $0 != 13 }
        state.pending.removeFirst(end + 1)
        let value = try JSONValue(parsing: line, depthMax: 64)
        if isWanted(value) { return value }
        if value["event"] != nil { state.events.append(value) }
      }
      try receive(&state, deadline)
    }
  }

  private func receive(_ state: inout State, _ deadline: MonotonicTime) throws {
    let left = deadline.seconds(since: .now)
    var entry = clinux_poll(
      descriptor: socket.raw, events: Int16(CLINUX_POLL_IN), results: 0)
    guard left > 0, clinux_poll(&entry, 1, Int32(left * 1000) + 1) >= 0 else {
      throw MonitorError.silent
    }
    guard entry.results != 0 else { return }
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    let count = clinux_read(socket.raw, &buffer, buffer.count)
    guard count > 0 else { throw MonitorError.gone }
    state.pending += buffer[..<count]
  }
}

package enum MonitorError: Error {
  case refused(String, String)
  case silent
  case gone
}

/// Writes all bytes to a stream.
func writeWhole(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) throws {
  var done = 0
  while done < bytes.count {
    done += try check(
      clinux_write(descriptor, bytes.baseAddress! + done, bytes.count - done), .write, "stream")
  }
}
