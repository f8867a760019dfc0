import Testing

/// One way to misbehave, and what the user must hear of it.
struct Misdeed: Sendable, CustomTestStringConvertible {
  /// Trick of `misbehaving-plugin`; also the plugin's and the format's name.
  let name: String
  /// Exit status of a job that has no other output.
  let status: Int32
  /// What standard error must say, each of them, beside the plugin's name.
  let says: [String]
  /// The plugin's receipt is its own.
  var hasReceipt = false
  /// What the format is written to.
  let output: String

  init(
    _ name: String, _ status: Int32, _ says: String..., hasReceipt: Bool = false,
    output: String = "directory"
  ) {
    self.name = name
    self.status = status
    self.says = says
    self.hasReceipt = hasReceipt
    self.output = output
  }

  var testDescription: String { name }
}

extension Misdeed {
  private static let software: Int32 = 70
  private static let wire: Int32 = 76

  /// Misdeeds that are noticed at once, or after the `--stall-limit` of 3 s.
  static let all: [Misdeed] =
    deaths + silences + lies + frames + excesses + leftovers + files

  static let deaths = [
    Misdeed("dies-before-hello-ack", software, "exited with status 1 before finishing"),
    Misdeed("crashes-at-once", software, "was killed by signal 4 before finishing"),
    Misdeed("dies-after-hello-ack", software, "exited with status 1 before finishing"),
    Misdeed("dies-after-job-ack", software, "exited with status 1 before finishing"),
    Misdeed("dies-mid-stream", software, "exited with status 1 before finishing"),
    Misdeed("crashes-mid-stream", software, "was killed by signal 4 before finishing"),
    Misdeed("dies-after-finish", software, "exited with status 1 before finishing"),
    Misdeed("exits-without-finished", software, "exited with status 0 before finishing"),
    Misdeed("fails-after-finished", software, "exited with status 1"),
    Misdeed("half-a-frame-then-dies", software, "closed its output in the middle of a frame"),
  ]

  static let silences = [
    Misdeed("never-reads", software, "made no progress for 3 s (--stall-limit)"),
    Misdeed("never-releases", software, "made no progress for 3 s (--stall-limit)"),
    Misdeed("half-a-frame", software, "made no progress for 3 s (--stall-limit)"),
    Misdeed("stalls", software, "made no progress for 3 s (--stall-limit)"),
    Misdeed(
      "breathes", software,
      "made no progress for 3 s (--stall-limit) while the host waited for FINISHED"),
    Misdeed("closes-its-pipes", software, "before finishing"),
  ]

  static let lies = [
    Misdeed("wrong-name", software, "which differs from its manifest"),
    Misdeed("unknown-feature", wire, "teleport"),
    Misdeed("version-two", wire, "HELLO_ACK has version 2"),
    Misdeed("broken-json", wire, "HELLO_ACK is not acceptable JSON"),
    Misdeed("deep-json", wire, "HELLO_ACK is not acceptable JSON"),
    Misdeed("prints-usage", wire, "it did not speak the protocol but wrote \"Usage: writer"),
    Misdeed("reports-a-full-disk", 74, "no room for the archive", "E_NO_SPACE", "free some space"),
    Misdeed("reports-and-babbles", 74, "the tape has come off"),
  ]

  static let frames = [
    Misdeed("accepts-twice", wire, "JOB_ACK is not allowed while running"),
    Misdeed("sends-data", wire, "DATA is not allowed in write mode"),
    Misdeed("unknown-frame", wire, "unknown frame type 0x777"),
    Misdeed("skips-a-number", wire, "came in place of"),
    Misdeed("releases-twice", wire, "RELEASE has seq"),
    Misdeed("releases-the-future", wire, "RELEASE has seq"),
    Misdeed("four-gib-length", wire, "RELEASE of 4294967295 bytes is over the limit"),
    Misdeed("four-gib-ignorable", wire, "of 4294967295 bytes is over the limit"),
    Misdeed("acknowledges-unasked", wire, "CHECKPOINT_ACK is not allowed without a CHECKPOINT"),
    Misdeed("finishes-early", wire, "FINISHED is not allowed while running"),
    Misdeed("speaks-after-finished", wire, "LOG is not allowed after the plugin has finished"),
  ]

  static let excesses = [
    Misdeed("floods-the-log", software, "floods its log"),
    Misdeed("eats-memory", software, "exited with status 1", "no memory after"),
    Misdeed("fork-bomb", software, "called clone(2), which its sandbox denies"),
    Misdeed("opens-a-socket", software, "called socket(2), which its sandbox denies"),
    Misdeed("escapes-in-its-log", software, "exited with status 1", "| last words"),
  ]

  static let leftovers = [
    Misdeed("leaves-a-symlink", software, "called symlinkat(2), which its sandbox denies"),
    Misdeed("leaves-a-hard-link", software, "called linkat(2), which its sandbox denies"),
    Misdeed("leaves-a-fifo", software, "called mknodat(2), which its sandbox denies"),
    Misdeed("leaves-setuid", software, "called openat(2), which its sandbox denies"),
    Misdeed("leaves-without-a-word", software, "left \"untold\", which is unannounced"),
    Misdeed("announces-elsewhere", wire, "FINISHED has no proper \"artefacts\""),
    Misdeed("leaves-deep-dirs", software, "deep"),
    Misdeed("leaves-a-closed-dir-and-dies", software, "exited with status 1"),
    Misdeed("leaves-deep-closed-dirs", software, "exited with status 1"),
    Misdeed("leaves-bytes", software, "which is unannounced"),
    Misdeed("leaves-bytes-and-dies", software, "exited with status 1"),
    Misdeed("leaves-another-accent", software, "which is unannounced"),
    Misdeed("announces-a-ghost", software, "\"ghost\" is missing or does not have"),
    Misdeed("announces-a-wrong-length", software, "\"short\" is missing or does not have"),
    Misdeed(
      "false-receipt", software, "receipt.json does not match what was sent", hasReceipt: true),
    Misdeed("no-receipt", software, "invalid receipt", hasReceipt: true),
    Misdeed("receipt-is-a-dir", software, "invalid receipt", hasReceipt: true),
    Misdeed("leaves-an-empty-dir", software, "wrote no data"),
    Misdeed("announces-a-wrong-folder", software, "\"folder\" is missing or does not have"),
    Misdeed("announces-more-stored", wire, "FINISHED has no proper \"stored\""),
    Misdeed("endless-receipt", software, "invalid receipt", hasReceipt: true),
  ]

  /// Of formats that are one file.
  static let files = [
    Misdeed(
      "announces-no-archive", wire, "FINISHED has no proper \"artefacts\"", output: "file"),
    Misdeed(
      "announces-another-name", wire, "FINISHED has no proper \"artefacts\"", output: "file"),
    Misdeed(
      "announces-two-archives", wire, "FINISHED has no proper \"artefacts\"", output: "file"),
    Misdeed(
      "announces-a-full-file", software, "\"archive\" is missing or does not have the size",
      output: "file"),
    Misdeed("leaves-an-empty-file", software, "wrote no data", output: "file"),
    Misdeed("leaves-a-hole", software, "wrote no data", output: "file"),
    Misdeed("leaves-mere-room", software, "wrote no data", output: "file"),
    Misdeed("leaves-zeros", software, "wrote no data", output: "file"),
  ]
}
