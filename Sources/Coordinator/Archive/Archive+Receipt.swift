internal import BackupProtocol
internal import JobSupport
internal import Requests

extension Archive {
  /// The receipt that the user names, or that of the archive.
  static func receipt(
    _ wanted: ArchiveRequest, _ kind: Job.OutputKind, _ raw: Int32, _ chosen: ChosenFormat
  ) throws(JobError) -> Receipt? {
    if let named = wanted.receipt { return try ReceiptFile(named: named).require() }
    if kind == .directory, let name = chosen.format.receipt {
      return try ReceiptFile(name, inside: raw, of: wanted.path).read()
    }
    return try ReceiptFile(besideArchive: wanted.path).read()
  }

  /// Refuses an archive without a receipt that verifies all of it, before anything is done.
  func requireReceipt() throws(JobError) {
    guard let receipt else {
      throw JobError(
        .noInput, "\(shownName) has no receipt (--require-receipt)",
        hint: .nameReceipt)
    }
    guard receipt.provesAll else {
      throw JobError(
        .badData,
        "the receipt of \(shownName) has no digests (--require-receipt)")
    }
  }

  /// The warning about data that was read but not verified.
  package var unprovenWarning: String {
    "\(shownName) is not verified: "
      + (receipt == nil ? "it has no receipt" : "its receipt has no digests")
      + ", and its format does not checksum all data"
  }

  /// For messages.
  var shownName: String { path == Self.standardInput ? "standard input" : path }
}

extension Receipt {
  /// Whether every stream has a digest that the host computes too.
  var provesAll: Bool { streams.allSatisfy { $0.digest.algorithm.isComputedHere } }
}

extension DigestAlgorithm {
  /// Whether this host computes it, and so can compare.
  var isComputedHere: Bool { self == .treeSHA256 || self == .incrementTreeSHA256 }
}
