internal import BackupProtocol
internal import JSON
internal import PluginHost
internal import Pump
internal import Sandbox
internal import System

/// An archive that is a stream: to standard output, or to a command.
///
/// Of what standard output has taken nothing can be taken back: whether it is whole is told by the
/// exit status alone. A command is ended in place of being shown the end of half an archive.
final class StreamedArchive: ArchivePlace {
  private let name: String
  private let label: String
  private let stop: StopSignal
  /// Seconds a command may take behind the archive's end.
  private let patience: Double
  /// `nil` where the plugin writes to standard output itself.
  private let command: SinkCommand?
  /// Where the receipt grows, if the user has named a file for it.
  private let receiptPlace: StagingPlace?

  /// Starts the command, if there is one.
  ///
  /// The receipt's place comes first: what is wrong with its name is found before data moves.
  init(
    _ output: BackupPlan.Output, id: String, request: BackupRequest, launcher: String,
    stop: StopSignal
  ) throws(JobError) {
    name = output.place.name
    receiptPlace = try request.savedReceipt.map { path throws(JobError) in
      do throws(PublishingError) {
        return try StagingPlace(target: path, kind: .file, id: id)
      } catch {
        throw JobError(error, doing: "preparing the receipt \(path)")
      }
    }
    label = output.label
    patience = request.stallLimit
    self.stop = stop
    let wanted: (text: String, output: Int32)? =
      switch output.place {
      case .command(let text): (text, StandardStream.error)
      // A plugin could also read from a socket: there cat(1) stands in between.
      case .standardOutput where StandardStream.isForeign: ("exec cat", StandardStream.output)
      default: nil
      }
    if let wanted {
      command = try doing("starting \(name)") { () throws(SystemCallError) in
        try SinkCommand(wanted.text, launcher: launcher, output: wanted.output)
      }
    } else {
      command = nil
    }
  }

  func descriptorForPlugin() throws(SystemCallError) -> OwnedDescriptor {
    if let command { return try command.takeArchiveEnd() }
    return try StandardStream.writingEnd()
  }

  /// Nobody can tell how much a pipe has taken.
  func storedBytes() -> Int64 { 0 }

  /// A plugin that finds its pipe closed was not at fault.
  func explained(_ failure: PluginFailure) -> JobError {
    if let command, let end = command.endIfAny(within: failure.isClosedPipe ? 2 : 0) {
      return JobError(
        .inputOutput, doing: "writing the archive to \(name)",
        "it \(end.text) before it had the whole archive")
    }
    guard failure.isClosedPipe else { return JobError(failure) }
    return JobError(
      .inputOutput, doing: "writing the archive to \(name)",
      "it was closed before the archive was whole")
  }

  func publish(_ finished: Finished, receipt: Receipt) throws(JobError) {
    try complete()
    guard let receiptPlace else { return }
    do throws(PublishingError) {
      try receiptPlace.fill(JSONValue.object(receipt.object).serialised(.indented))
      try receiptPlace.publish()
    } catch {
      throw JobError(error, doing: "publishing the receipt of the archive to \(name)")
    }
  }

  /// The archive has ended: so must who reads it.
  private func complete() throws(JobError) {
    guard let command else { return }
    switch command.complete(within: patience, stop: stop) {
    case .exited(0): return
    case let end?:
      throw JobError(
        .inputOutput, doing: "writing the archive to \(name)",
        "it \(end.text), though it had the whole archive")
    case nil where stop.isRequested: throw JobError(.cancelled)
    case nil:
      throw JobError(
        .inputOutput, doing: "writing the archive to \(name)",
        "it did not end within \(Int(patience)) s behind the end of the archive",
        hint: "a longer --stall-limit waits longer")
    }
  }
}

extension PluginFailure {
  /// Whether the plugin found that nobody reads what it writes.
  fileprivate var isClosedPipe: Bool {
    switch cause {
    case .reported(let frame): frame.errnoName == "EPIPE"
    case .ended(.signal(13)): true
    default: false
    }
  }
}
