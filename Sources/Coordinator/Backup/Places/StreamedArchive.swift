internal import BackupProtocol
internal import JSON
internal import JobSupport
internal import PluginHost
internal import Pump
internal import Requests
internal import Sandbox
internal import System

/// An archive that is a stream: to standard output, or to a command.
///
/// Output already written to standard output cannot be revoked: only the exit status tells whether
/// it is complete. A command is killed before it would see the end of an incomplete archive.
final class StreamedArchive: ArchivePlace {
  private let name: String
  private let label: String
  private let stop: StopSignal
  /// Seconds a command may take after the end of the archive.
  private let patience: Double
  /// `nil` where the plugin writes to standard output itself.
  private let command: SinkCommand?
  /// Where the receipt grows, if the user has named a file for it.
  private let receiptPlace: StagingPlace?
  /// Where the archive begins in a file at standard output.
  private let start: UInt64?

  let identity: SandboxIdentity

  /// Starts the command, if there is one.
  ///
  /// The receipt is created first: a bad name is found before data moves.
  init(
    _ output: BackupPlan.Output, id: String, request: BackupRequest, _ surroundings: Surroundings,
    identity: SandboxIdentity, stop: StopSignal
  ) throws(JobError) {
    self.identity = identity
    name = output.place.name
    receiptPlace = try request.savedReceipt.map { path throws(JobError) in
      do throws(PublishingError) {
        let place = try StagingPlace(target: path, kind: .file, id: id)
        place.tellIfLeft(surroundings.events)
        return place
      } catch {
        throw JobError(error, cannot: "create the receipt \(path)")
      }
    }
    label = output.label
    patience = request.stallLimit
    self.stop = stop
    let wanted: (text: String, output: Int32)? =
      switch output.place {
      case .command(let text): (text, StandardStream.error)
      case .standardOutput where StandardStream.isKeptFromPlugins:
        ("exec cat", StandardStream.output)
      default: nil
      }
    start = output.place == .standardOutput ? StandardStream.fileOffset : nil
    if let wanted {
      command = try attempt("start \(name)") { () throws(SystemCallError) in
        try SinkCommand(wanted.text, launcher: surroundings.launcher, output: wanted.output)
      }
    } else {
      command = nil
    }
  }

  /// A stream has no name that could be given too early.
  func refusal(_ layers: SandboxLayers) -> String? { nil }

  func descriptorForPlugin() throws(SystemCallError) -> OwnedDescriptor {
    if let command { return try command.takeArchiveEnd() }
    return try StandardStream.writingEnd()
  }

  /// Unknown for a pipe.
  func storedBytes() -> Int64 { 0 }

  /// A closed pipe is not the plugin's fault.
  func explained(_ failure: PluginFailure) -> JobError {
    if let command, let end = command.endIfAny(within: failure.isClosedPipe ? 2 : 0) {
      return JobError(
        .inputOutput, cannot: "write the archive to \(name)",
        "it \(end.text) before the end of the archive")
    }
    guard failure.isClosedPipe else { return JobError(failure) }
    return JobError(
      .inputOutput, cannot: "write the archive to \(name)",
      "it was closed before the end of the archive")
  }

  func publish(
    _ finished: Finished, of sent: SentBytes, receipt: Receipt
  ) throws(JobError) {
    try requireLength(finished, of: sent)
    guard let receiptPlace else { return }
    do throws(PublishingError) {
      try receiptPlace.write(JSONValue.object(receipt.object).serialised(.indented))
      try receiptPlace.publish()
    } catch {
      throw JobError(error, cannot: "publish the receipt of the archive to \(name)")
    }
  }

  /// The archive is complete: the command must exit, and the length must be as announced.
  private func requireLength(_ finished: Finished, of sent: SentBytes) throws(JobError) {
    let size = finished.artefacts.reduce(0) { $0 + $1.size }
    guard size > 0 || sent.logical == 0 else { throw wrongLength("wrote no data") }
    guard let command else { return }
    try complete(command)
    guard let start, let end = StandardStream.fileOffset, end &- start != size else { return }
    throw wrongLength("announced \(size) bytes but wrote \(end &- start)")
  }

  /// The archive is out; only the exit status can still report an error.
  private func wrongLength(_ what: String) -> JobError {
    JobError(
      .software, cannot: "write the archive to \(name)", "plugin \"\(label)\" \(what)",
      rule: Misconduct.streamLength.rule)
  }

  private func complete(_ command: SinkCommand) throws(JobError) {
    switch command.complete(within: patience, stop: stop) {
    case .exited(0): return
    case let end?:
      throw JobError(
        .inputOutput, cannot: "write the archive to \(name)",
        "it \(end.text) after the end of the archive")
    case nil where stop.isRequested: throw JobError(.cancelled)
    case nil:
      throw JobError(
        .inputOutput, cannot: "write the archive to \(name)",
        "it did not exit within \(Int(patience)) s after the end of the archive",
        hint: .moreTime(.plugin))
    }
  }
}

extension PluginFailure {
  /// Whether the reading end of the plugin's output was closed.
  fileprivate var isClosedPipe: Bool {
    switch cause {
    case .reported(let frame): frame.errnoName == "EPIPE"
    case .ended(.signal(13), isFinished: _): true
    default: false
    }
  }
}
