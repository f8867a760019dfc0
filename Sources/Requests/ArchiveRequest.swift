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
  /// Archives, or directories that hold some, in which parents of an increment are looked for
  /// before all others.
  package var parents: [String] = []
  /// The most bytes of data that are read in a second, or `nil`.
  package var rateLimit: UInt64?

  package init(_ path: String, format: String? = nil, receipt: String? = nil) {
    self.path = path
    self.format = format
    self.receipt = receipt
  }
}
