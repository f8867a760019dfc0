/// An archive that a command is to read.
package struct ArchiveRequest: Sendable {
  /// `-` is standard input.
  package let path: String
  /// The format's name; `nil` lets receipt, magic and suffix decide.
  package let format: String?
  /// The file that holds its receipt; `nil` is the one beside the archive or inside it.
  package let receipt: String?
  /// Whether an archive that no receipt proves is refused, before anything is written.
  package var requiresReceipt = false

  package init(_ path: String, format: String? = nil, receipt: String? = nil) {
    self.path = path
    self.format = format
    self.receipt = receipt
  }
}
