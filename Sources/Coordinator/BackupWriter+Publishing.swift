internal import BackupProtocol
internal import Glibc
internal import JSON
internal import PluginHost
internal import Pump
internal import System

extension BackupWriter {
  /// Checks the receipt, makes the archive durable and gives it its name.
  ///
  /// - Throws: `JobError`; then nothing of this output is left.
  func publish(
    _ plan: BackupPlan, _ summaries: [StreamSummary]
  ) throws(JobError) -> OutputReport {
    let finished = try whole()
    let receipt = makeReceipt(plan, summaries)
    do throws(PublishingError) {
      try staging.requireArtefacts(finished.artefacts)
      if let receiptPlace {
        try publish(with: receipt, receiptPlace)
      } else {
        try check(receipt, against: output.chosen.format.receipt ?? "")
        try staging.publish()
      }
    } catch {
      throw JobError(error, doing: "publishing \(output.path) of plugin \"\(output.label)\"")
    }
    return OutputReport(
      label: output.label, path: output.path, storedBytes: finished.storedBytes)
  }

  private func whole() throws(JobError) -> Finished {
    switch session.outcome {
    case .finished(let finished): return finished
    case .failed(let failure): throw JobError(failure)
    case nil:
      throw JobError(.software, doing: "", "plugin \"\(output.label)\" never ended")
    }
  }

  private func makeReceipt(_ plan: BackupPlan, _ summaries: [StreamSummary]) -> Receipt {
    Receipt(
      job: plan.id, format: output.chosen.format.name, instant: plan.instant, vm: plan.machine,
      tools: [
        "sluice \(PluginStarter.version)",
        "\(session.manifest.name) \(session.manifest.version)",
      ],
      streams: zip(plan.streams, summaries).map { stream, summary in
        Receipt.Stream(
          name: stream.name, kind: stream.kind, role: stream.role, size: summary.size,
          digest: summary.digest)
      })
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
