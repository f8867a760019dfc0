package import JSON

/// The conversation with the QEMU of a machine, whoever holds its monitor socket.
///
/// A backup, its take-down and its watchdog ask for three things: commands with their answers, the
/// stream of events, and passing a descriptor with a command. `QMPClient` holds a socket of QEMU
/// itself; where the monitor belongs to a management program, another type asks through it.
package protocol Monitor: Sendable {
  /// Sends a command and waits for its answer; any number of tasks may do so at the same time.
  ///
  /// A command is not given up when its task is cancelled: a take-down after a cancellation needs
  /// its answers, too.
  ///
  /// - Parameters:
  ///   - seconds: Until the command is given up; it may be done nevertheless.
  ///   - descriptor: Passed to QEMU with the command, for `add-fd` and `getfd`; open until this
  ///     returns.
  /// - Returns: The member `return` of the answer.
  /// - Throws: `refused`, `notInTime` and `busy` leave the monitor usable; after any other error
  ///   every further command fails at once.
  func ask(
    _ command: String, _ arguments: JSONObject, seconds: Double, passing descriptor: Int32?
  ) async throws(QMPError) -> JSONValue

  /// A new subscription to all events from now on; it ends with the connection.
  ///
  /// Where events were lost, it says so with an event `QMPEvent.eventsLost`.
  func events() -> AsyncStream<QMPEvent>

  /// The process id of QEMU, if it is known.
  var process: Int32? { get }

  /// A descriptor on which QMP is spoken, for a watchdog: it inherits a duplicate, silent while
  /// this process lives, and continues the conversation after its death. Valid as long as the
  /// monitor. Where a management program holds QEMU's socket, it is the socket of a process that
  /// passes commands on.
  var inheritableDescriptor: Int32 { get }

  /// Ends the conversation; every waiting command fails with `disconnected`. A watchdog's duplicate
  /// stays usable.
  func close()
}

extension Monitor {
  /// As `ask`, with the usual values for most commands.
  package func execute(
    _ command: String, _ arguments: JSONObject = [:], seconds: Double = 30,
    passing descriptor: Int32? = nil
  ) async throws(QMPError) -> JSONValue {
    try await ask(command, arguments, seconds: seconds, passing: descriptor)
  }
}
