internal import BackupProtocol

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
        .noInput, doing: "", "\(shownName) has no receipt (--require-receipt)",
        hint: "specify a receipt stored elsewhere with --receipt FILE")
    }
    guard receipt.provesAll else {
      throw JobError(
        .badData, doing: "",
        "the receipt of \(shownName) has no digests (--require-receipt)")
    }
  }

  /// The warning about data that was read but not verified.
  var unprovenWarning: String {
    "\(shownName) is not verified: "
      + (receipt == nil ? "it has no receipt" : "its receipt has no digests")
      + ", and its format does not checksum all data"
  }

  /// For messages.
  var shownName: String { path == Self.standardInput ? "standard input" : path }
}

extension Receipt {
  /// Whether every stream has a digest that the host computes too.
  var provesAll: Bool { streams.allSatisfy { $0.digest.algorithm == .treeSHA256 } }
}
