internal import JobSupport
internal import QEMUControl
internal import System

/// Connects to the QEMU of a running machine.
enum GuestConnection {
  /// How journals name a socket: absolute, without links.
  static func canonical(_ socket: String) -> String { (try? realPath(socket)) ?? socket }

  /// Connects to QEMU.
  ///
  /// - Parameter socket: As ``canonical(_:)`` makes it.
  /// - Throws: `JobError`; at once if another backup of ours uses the socket.
  static func open(_ socket: String) async throws(JobError) -> any Monitor {
    if let job = liveJob(socket) {
      throw JobError(
        ControlError.anotherBackup(job: job.mark.id, process: job.process))
    }
    do throws(QMPError) { return try await QMPClient.connect(path: socket) } catch {
      throw JobError(error)
    }
  }

  private static func liveJob(_ socket: String) -> JournalContents? {
    for mark in Journal.list() where Journal.peek(mark)?.qmp == socket {
      if case .live(let contents) = try? Journal.find(mark), contents.qmp == socket {
        return contents
      }
    }
    return nil
  }
}
