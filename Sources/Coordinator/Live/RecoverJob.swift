package import JobSupport
internal import QEMUControl
package import Requests

/// `sluice recover`: cleans up leftovers of a killed backup in a running machine, and removes dirty
/// bitmaps that no backup needs any more.
package struct RecoverJob: Sendable {
  private let socket: String
  private let bitmaps: [BitmapChoice]
  private let events: EventSink

  package init(socket: String, bitmaps: [BitmapChoice] = [], events: @escaping EventSink) {
    self.socket = socket
    self.bitmaps = bitmaps
    self.events = events
  }

  /// - Returns: Whether there was anything to remove.
  /// - Throws: `JobError`: the machine is being backed up, or cleaning up failed.
  package func run() async throws(JobError) -> Bool {
    let path = GuestConnection.canonical(socket)
    let monitor = try await GuestConnection.open(path)
    defer { monitor.close() }
    let recovery = GuestRecovery(monitor: monitor, socket: path, events: events)
    let wasAnything = try await recovery.recover()
    guard !bitmaps.isEmpty else { return wasAnything }
    return try await GuestBitmaps(monitor).remove(bitmaps, events) || wasAnything
  }
}
