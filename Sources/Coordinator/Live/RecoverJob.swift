internal import QEMUControl

/// `sluice recover`: cleans up leftovers of a killed backup in a running machine.
package struct RecoverJob: Sendable {
  private let socket: String
  private let events: EventSink

  package init(socket: String, events: @escaping EventSink) {
    self.socket = socket
    self.events = events
  }

  /// - Returns: Whether there was anything to remove.
  /// - Throws: `JobError`: the machine is being backed up, or cleaning up failed.
  package func run() async throws(JobError) -> Bool {
    let path = GuestConnection.canonical(socket)
    let client = try await GuestConnection.open(path)
    defer { client.close() }
    return try await GuestRecovery(client: client, socket: path, events: events).recover()
  }
}
