internal import BackupProtocol
internal import Glibc
internal import JSON
internal import JobSupport
internal import PluginHost
internal import Sandbox
internal import System

/// An archive that is a file or a directory: it grows in a staging place and gets its name when it
/// is whole.
final class StagedArchive: ArchivePlace {
  private let output: BackupPlan.Output
  private let staging: StagingPlace
  private let events: EventSink
  let identity: SandboxIdentity

  /// Makes the staging place.
  ///
  /// A name that is taken, the receipt's too, must not be found out when hours of copying are over.
  ///
  ///
  /// - Parameters:
  ///   - identity: Whose rights the plugin should have.
  ///   - isSharedWanted: The directory may be one that other users write to.
  /// - Throws: `JobError`; nothing is left behind.
  init(
    _ output: BackupPlan.Output, path: String, id: String, identity: SandboxIdentity,
    isSharedWanted: Bool, events: @escaping EventSink
  ) throws(JobError) {
    self.output = output
    self.events = events
    let creating = "create \(path)"
    do throws(PublishingError) {
      staging = try StagingPlace(
        target: path, kind: output.kind, id: id, hasReceipt: !output.writesOwnReceipt)
    } catch {
      throw JobError(error, cannot: creating)
    }
    let staging = staging
    staging.tellIfLeft(events)
    guard isSharedWanted || !staging.isShared else {
      throw JobError(PublishingError.sharedDirectory(path), cannot: creating)
    }
    self.identity = try attempt(creating) { () throws(SystemCallError) in
      try staging.giveToPlugin(identity)
    }
  }

  func refusal(_ layers: SandboxLayers) -> String? { staging.refusal(layers) }

  func descriptorForPlugin() throws(SystemCallError) -> OwnedDescriptor {
    try staging.descriptorForPlugin()
  }

  func storedBytes() -> Int64 { staging.storedBytes() }

  func explained(_ failure: PluginFailure) -> JobError { JobError(failure) }

  func publish(
    _ finished: Finished, of sent: SentBytes, receipt: Receipt
  ) throws(JobError) {
    do throws(PublishingError) {
      try staging.requireArtefacts(finished, of: sent)
      if output.writesOwnReceipt {
        try check(receipt, against: output.chosen.format.receipt ?? "")
        try staging.publish()
      } else {
        try staging.publish(receipt: JSONValue.object(receipt.object).serialised(.indented))
      }
    } catch {
      throw JobError(error, cannot: "publish \(staging.target) of plugin \"\(output.label)\"")
    }
    staging.tellIfMoved(events)
  }

  /// A receipt that the plugin wrote must match what the host sent.
  private func check(_ expected: Receipt, against name: String) throws(PublishingError) {
    let found: Receipt
    do {
      let bytes = try readSmallFile(
        name, in: staging.descriptor, limit: Receipt.byteCountMax, flags: O_NOFOLLOW | O_NONBLOCK)
      found = try Receipt(parsing: bytes)
    } catch {
      throw .badReceipt(plugin: output.label, "\(name): \(error)")
    }
    guard found.job == expected.job, found.format == expected.format,
      found.instant == expected.instant, found.vm == expected.vm,
      found.tells(as: expected)
    else { throw .badReceipt(plugin: output.label, "\(name) does not match what was sent") }
  }
}

extension Receipt {
  /// Whether two receipts tell the same of the streams and of the parent; how it was found out what
  /// has changed, and where the parent is, a plugin may leave out.
  fileprivate func tells(as other: Receipt) -> Bool {
    level == other.level && parent?.job == other.parent?.job
      && parent?.instant == other.parent?.instant && parent?.streams == other.parent?.streams
      && streams.map(\.essence) == other.streams.map(\.essence)
  }
}

extension Receipt.Stream {
  fileprivate var essence: Receipt.Stream {
    var stream = self
    (stream.method, stream.reason) = (nil, nil)
    return stream
  }
}
