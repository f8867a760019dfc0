import Testing

/// One way to misbehave, and what the user must hear of it.
struct Misdeed: Sendable, CustomTestStringConvertible {
  /// Trick of `misbehaving-plugin`; also the plugin's and the format's name.
  let name: String
  /// Exit status of a job that has no other output.
  let status: Int32
  /// What standard error must say, each of them, beside the plugin's name.
  let says: [String]
  /// The clause of protocol.md it breaks and the code of that, or the code it reports itself.
  let breaks: String
  /// The plugin's receipt is its own.
  var hasReceipt = false
  /// What the format is written to.
  let output: String

  init(
    _ name: String, _ status: Int32, _ says: String..., breaks: String, hasReceipt: Bool = false,
    output: String = "directory"
  ) {
    self.breaks = breaks
    self.name = name
    self.status = status
    self.says = says
    self.hasReceipt = hasReceipt
    self.output = output
  }

  /// Whether the manifest says that the plugin needs a map.
  var needsMap: Bool { name == "takes-no-map" }

  var testDescription: String { name }
}

extension Misdeed {
  /// How standard error cites what was broken.
  var citation: String {
    let parts = breaks.split(separator: " ")
    guard parts.count == 2 else { return breaks }
    return parts[0].contains("-") ? "([\(parts[0])], \(parts[1]))" : "(§\(parts[0]), \(parts[1]))"
  }

  /// The fields of the event `failed`.
  var fields: String {
    let parts = breaks.split(separator: " ")
    let clause = parts.count == 2 ? "\"clause\":\"\(parts[0])\"," : ""
    return "\(clause)\"code\":\"\(parts[parts.count - 1])\"}"
  }
}

extension Misdeed {
  private static let software: Int32 = 70
  private static let wire: Int32 = 76

  /// Misdeeds that are noticed at once, or after the `--stall-limit` of 3 s.
  static let all: [Misdeed] =
    deaths + silences + lies + frames + excesses + leftovers + files

  static let deaths = [
    Misdeed(
      "dies-before-hello-ack", software, "exited with status 1 before finishing",
      breaks: "2.4-1 E_INTERNAL"),
    Misdeed(
      "crashes-at-once", software, "was killed by signal 4 before finishing",
      breaks: "2.4-1 E_INTERNAL"),
    Misdeed(
      "dies-after-hello-ack", software, "exited with status 1 before finishing",
      breaks: "2.4-1 E_INTERNAL"),
    Misdeed(
      "dies-after-job-ack", software, "exited with status 1 before finishing",
      breaks: "2.4-1 E_INTERNAL"),
    Misdeed(
      "dies-mid-stream", software, "exited with status 1 before finishing",
      breaks: "2.4-1 E_INTERNAL"),
    Misdeed(
      "crashes-mid-stream", software, "was killed by signal 4 before finishing",
      breaks: "2.4-1 E_INTERNAL"),
    Misdeed(
      "dies-after-finish", software, "exited with status 1 before finishing",
      breaks: "2.4-1 E_INTERNAL"),
    Misdeed(
      "exits-without-finished", software, "exited with status 0 before finishing",
      breaks: "2.4-1 E_INTERNAL"),
    Misdeed(
      "fails-after-finished", software, "exited with status 1 after FINISHED",
      breaks: "2.4-1 E_INTERNAL"),
    Misdeed(
      "half-a-frame-then-dies", software, "closed its output in the middle of a frame",
      breaks: "3.2-5 E_PROTOCOL"),
  ]

  static let silences = [
    Misdeed(
      "never-reads", software, "made no progress for 3 s (--stall-limit)",
      breaks: "13.1-1 E_PROTOCOL"),
    Misdeed(
      "never-releases", software, "while the host waited for RELEASE of 8 DATA, the oldest number",
      breaks: "13.1-1 E_PROTOCOL"),
    Misdeed(
      "half-a-frame", software, "made no progress for 3 s (--stall-limit)",
      breaks: "13.1-1 E_PROTOCOL"),
    Misdeed(
      "stalls", software, "made no progress for 3 s (--stall-limit)", breaks: "13.1-1 E_PROTOCOL"),
    Misdeed(
      "breathes", software,
      "made no progress for 3 s (--stall-limit) while the host waited for FINISHED",
      breaks: "13.1-1 E_PROTOCOL"),
    Misdeed(
      "closes-its-pipes", software,
      "closed its output before finishing, and did not exit within 5 s",
      breaks: "2.4-1 E_INTERNAL"),
  ]

  static let lies = [
    Misdeed("wrong-name", software, "which differs from its manifest", breaks: "2.3-4 E_PROTOCOL"),
    Misdeed(
      "unknown-feature", wire, "the feature \"teleport\", which HELLO did not offer",
      breaks: "4.2-3 E_PROTOCOL"),
    Misdeed("version-two", wire, "HELLO_ACK has version 2", breaks: "4.2-2 E_PROTOCOL"),
    Misdeed("broken-json", wire, "HELLO_ACK is not acceptable JSON", breaks: "1.3 E_PROTOCOL"),
    Misdeed("deep-json", wire, "HELLO_ACK is not acceptable JSON", breaks: "1.3 E_PROTOCOL"),
    Misdeed(
      "prints-usage", wire, "it did not speak the protocol but wrote \"Usage: writer",
      breaks: "3.1-1 E_PROTOCOL"),
    Misdeed(
      "reports-a-full-disk", 74, "no room for the archive", "E_NO_SPACE", "free some space",
      breaks: "E_NO_SPACE"),
    Misdeed("reports-and-babbles", 74, "the tape has come off", breaks: "E_IO"),
  ]

  static let frames = [
    Misdeed("accepts-twice", wire, "JOB_ACK is not allowed while running", breaks: "3.4-3 E_STATE"),
    Misdeed("sends-data", wire, "DATA is not allowed in write mode", breaks: "3.4-3 E_STATE"),
    Misdeed("unknown-frame", wire, "unknown frame type 0x777", breaks: "3.4-2 E_UNKNOWN_FRAME"),
    Misdeed("skips-a-number", wire, "came in place of", breaks: "3.2-2 E_PROTOCOL"),
    Misdeed(
      "releases-twice", wire, "a second time", breaks: "4.11-1 E_PROTOCOL"),
    Misdeed(
      "releases-the-future", wire, "which is not an unreleased DATA", breaks: "4.11-1 E_PROTOCOL"),
    Misdeed(
      "four-gib-length", wire, "RELEASE of 4294967295 bytes is over the limit",
      breaks: "3.2-1 E_LIMIT"),
    Misdeed(
      "four-gib-ignorable", wire, "of 4294967295 bytes is over the limit", breaks: "3.2-1 E_LIMIT"),
    Misdeed(
      "acknowledges-unasked", wire,
      "CHECKPOINT_ACK needs the feature \"checkpoint\", which is not in use",
      breaks: "4.2-4 E_STATE"),
    Misdeed(
      "sets-reserved", wire, "BUSY has a reserved field that is not zero",
      breaks: "1.2-2 E_PROTOCOL"),
    Misdeed(
      "doubles-progress", wire, "PROGRESS has percent_x100 20000", breaks: "1.2-2 E_PROTOCOL"),
    Misdeed(
      "takes-no-map", software, "needs the allocation map by its manifest",
      breaks: "11-4 E_PROTOCOL"),
    Misdeed(
      "finishes-early", wire, "FINISHED is not allowed while running", breaks: "3.4-3 E_STATE"),
    Misdeed("speaks-after-finished", wire, "LOG came after FINISHED", breaks: "4.4-2 E_STATE"),
  ]

  static let excesses = [
    Misdeed("floods-the-log", software, "floods its log", breaks: "16-1 E_LIMIT"),
    Misdeed(
      "eats-memory", software, "exited with status 1", "no memory after", breaks: "2.4-1 E_INTERNAL"
    ),
    Misdeed(
      "fork-bomb", software, "called clone(2), which its sandbox denies",
      breaks: "18 E_PERMISSION"),
    Misdeed(
      "opens-a-socket", software, "called socket(2), which its sandbox denies",
      breaks: "18 E_PERMISSION"),
    Misdeed(
      "escapes-in-its-log", software, "exited with status 1", "| last words",
      breaks: "2.4-1 E_INTERNAL"),
  ]

  static let leftovers = [
    Misdeed(
      "leaves-a-symlink", software, "called symlinkat(2) on \"link\", which its sandbox denies",
      breaks: "18 E_PERMISSION"),
    Misdeed(
      "leaves-a-hard-link", software, "called linkat(2) on \"one\", which its sandbox denies",
      breaks: "18 E_PERMISSION"),
    Misdeed(
      "leaves-a-fifo", software, "called mknodat(2) on \"fifo\", which its sandbox denies",
      breaks: "18 E_PERMISSION"),
    Misdeed(
      "leaves-setuid", software, "called openat(2) on \"setuid\", which its sandbox denies",
      breaks: "18 E_PERMISSION"),
    Misdeed(
      "leaves-without-a-word", software, "left \"untold\", which is unannounced",
      breaks: "14.1-2 E_PROTOCOL"),
    Misdeed(
      "announces-elsewhere", wire, "FINISHED has no proper \"name\"", breaks: "1.4-1 E_PROTOCOL"),
    Misdeed("leaves-deep-dirs", software, "deep", breaks: "14.1-2 E_PROTOCOL"),
    Misdeed(
      "leaves-a-closed-dir-and-dies", software, "exited with status 1", breaks: "2.4-1 E_INTERNAL"),
    Misdeed(
      "leaves-deep-closed-dirs", software, "exited with status 1", breaks: "2.4-1 E_INTERNAL"),
    Misdeed("leaves-bytes", software, "which is unannounced", breaks: "14.1-2 E_PROTOCOL"),
    Misdeed("leaves-bytes-and-dies", software, "exited with status 1", breaks: "2.4-1 E_INTERNAL"),
    Misdeed("leaves-another-accent", software, "which is unannounced", breaks: "14.1-2 E_PROTOCOL"),
    Misdeed(
      "announces-a-ghost", software, "\"ghost\" is missing or does not have",
      breaks: "14.1-2 E_PROTOCOL"),
    Misdeed(
      "announces-a-wrong-length", software, "\"short\" is missing or does not have",
      breaks: "14.1-2 E_PROTOCOL"),
    Misdeed(
      "false-receipt", software, "receipt.json does not match what was sent",
      breaks: "14.2 E_PROTOCOL", hasReceipt: true),
    Misdeed("no-receipt", software, "invalid receipt", breaks: "14.2 E_PROTOCOL", hasReceipt: true),
    Misdeed(
      "receipt-is-a-dir", software, "invalid receipt", breaks: "14.2 E_PROTOCOL", hasReceipt: true),
    Misdeed("leaves-an-empty-dir", software, "wrote no data", breaks: "14.1-2 E_PROTOCOL"),
    Misdeed(
      "announces-a-wrong-folder", software, "\"folder\" is missing or does not have",
      breaks: "14.1-2 E_PROTOCOL"),
    Misdeed(
      "announces-more-stored", wire, "FINISHED has no proper \"stored\"", breaks: "4.4-4 E_PROTOCOL"
    ),
    Misdeed(
      "endless-receipt", software, "invalid receipt", breaks: "14.2 E_PROTOCOL", hasReceipt: true),
  ]

  /// Of formats that are one file.
  static let files = [
    Misdeed(
      "announces-no-archive", wire, "FINISHED has no proper \"artefacts\"",
      breaks: "4.4-1 E_PROTOCOL", output: "file"),
    Misdeed(
      "announces-another-name", wire, "FINISHED has no proper \"artefacts\"",
      breaks: "4.4-1 E_PROTOCOL", output: "file"),
    Misdeed(
      "announces-two-archives", wire, "FINISHED has no proper \"artefacts\"",
      breaks: "4.4-1 E_PROTOCOL", output: "file"),
    Misdeed(
      "announces-a-full-file", software, "\"archive\" is missing or does not have the size",
      breaks: "14.1-2 E_PROTOCOL",
      output: "file"),
    Misdeed(
      "leaves-an-empty-file", software, "wrote no data", breaks: "14.1-2 E_PROTOCOL", output: "file"
    ),
    Misdeed(
      "leaves-a-hole", software, "wrote no data", breaks: "14.1-2 E_PROTOCOL", output: "file"),
    Misdeed(
      "leaves-mere-room", software, "wrote no data", breaks: "14.1-2 E_PROTOCOL", output: "file"),
    Misdeed("leaves-zeros", software, "wrote no data", breaks: "14.1-2 E_PROTOCOL", output: "file"),
  ]
}
