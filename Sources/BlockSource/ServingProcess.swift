/// The QEMU that serves a disk, as far as its readers know it.
struct ServingProcess: Sendable {
  /// Time for each handshake: QEMU is ready in 20 ms, a loaded machine may need much longer.
  static let handshakeSeconds = 10

  /// What a daemon of our own writes; `nil` for the QEMU of a running machine, whose words go
  /// elsewhere.
  private let words: CapturedWords?

  static func storageDaemon(_ words: CapturedWords) -> ServingProcess {
    ServingProcess(words: words)
  }

  static let machine = ServingProcess(words: nil)

  /// What it said last, for people.
  func lastWords() -> String { words?.lastWords() ?? "" }

  /// What the end of a connection means.
  func gone() -> SourceError { words == nil ? .exportGone : .daemonGone(words: lastWords()) }
}
