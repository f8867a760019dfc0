internal import JSON
package import MachineStart

/// The command line of a monitor's QEMU, if it is proven to be its own.
package enum PeerCommandLine: Equatable, Sendable {
  /// Without what is secret.
  case known(RecordedLine)
  /// Why it is not recorded, for people.
  case unknown(String)

  /// Reads it from the kernel: the process that listens on the monitor's socket.
  static func read(_ inquiry: Inquiry) async throws(ControlError) -> PeerCommandLine {
    guard let process = inquiry.monitor.process else {
      return .unknown("the process of this QEMU is unknown")
    }
    let words: [String]
    let (directory, executable): (String, String)
    do throws(PeerProcess.Obstacle) {
      let peer = try PeerProcess(process, holding: inquiry.monitor.inheritableDescriptor)
      words = peer.arguments(limit: RecordedLine.bytesMax)
      (directory, executable) = (peer.directory, peer.executable)
    } catch {
      return .unknown(error.words)
    }
    if let obstacle = try await obstacle(words, inquiry) { return .unknown(obstacle) }
    let cleared = CommandLineRedaction(words)
    return .known(
      RecordedLine(
        arguments: cleared.arguments, directory: directory, executable: executable,
        redacted: cleared.redacted))
  }

  /// What speaks against words: a process may change what the kernel shows of it.
  private static func obstacle(
    _ words: [String], _ inquiry: Inquiry
  ) async throws(ControlError) -> String? {
    guard !words.isEmpty, words.count <= RecordedLine.wordsMax else {
      return "its process shows no command line, or one of more than "
        + "\(RecordedLine.bytesMax >> 10) KiB"
    }
    let options = LineOption.list(Array(words.dropFirst()))
    func last(_ name: String) -> String? { options.last { $0.name == name }?.value }
    let uuid = try await inquiry.askedForMaybe("query-uuid")?["UUID"]?.string
    if let said = last("uuid"), let uuid, said.lowercased() != uuid.lowercased() {
      return "its process has another UUID in its command line"
    }
    let name = try await inquiry.askedForMaybe("query-name")?["name"]?.string
    let said = last("name").flatMap { KeyValues(parsing: $0, implied: "guest")["guest"] }
    if let said, said != name { return "its process has another name in its command line" }
    return nil
  }

  /// One line for people, if there is something that they have to know.
  package var warning: String? {
    switch self {
    case .known(let line) where line.redacted.isEmpty: nil
    case .known(let line):
      "secrets in QEMU's command line are not archived: " + line.redacted.joined(separator: ", ")
    case .unknown(let reason):
      "QEMU's command line is not archived, so that starting a restored machine needs work by "
        + "hand: \(reason)"
    }
  }
}
