internal import BackupProtocol
internal import Glibc
internal import JSON
internal import PluginHost
internal import System

/// An archive that is a file or a directory: it grows in a staging place and gets its name when it
/// is whole.
final class StagedArchive: ArchivePlace {
  private let output: BackupPlan.Output
  private let staging: StagingPlace
  /// Where the host's own receipt grows; `nil` where the plugin writes it into its directory.
  private let receiptPlace: StagingPlace?

  /// Makes the staging places.
  ///
  /// The receipt's place is made now: a name that is taken must not be found out when hours of
  /// copying are over.
  ///
  /// - Throws: `JobError`; nothing is left behind.
  init(_ output: BackupPlan.Output, path: String, id: String) throws(JobError) {
    self.output = output
    do throws(PublishingError) {
      staging = try StagingPlace(target: path, kind: output.kind, id: id)
      receiptPlace = output.writesOwnReceipt ? nil : try StagingPlace(receiptOf: path, id: id)
    } catch {
      throw JobError(error, doing: "preparing \(path)")
    }
    try doing("preparing \(path)") { () throws(SystemCallError) in try staging.giveToPlugin() }
  }

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
      if let receiptPlace {
        try publish(with: receipt, receiptPlace)
      } else {
        try check(receipt, against: output.chosen.format.receipt ?? "")
        try staging.publish()
      }
    } catch {
      throw JobError(error, doing: "publishing \(staging.target) of plugin \"\(output.label)\"")
    }
  }

  /// A receipt the plugin wrote must say what the host saw go by.
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
      found.streams == expected.streams
    else { throw .badReceipt(plugin: output.label, "\(name) does not say what was sent") }
  }

  /// The receipt goes first: an archive that can be seen can be verified.
  private func publish(
    with receipt: Receipt, _ place: StagingPlace
  ) throws(PublishingError) {
    try place.fill(JSONValue.object(receipt.object).serialised(.indented))
    try place.publish()
    do throws(PublishingError) { try staging.publish() } catch {
      try? place.withdraw()
      throw error
    }
  }
}
