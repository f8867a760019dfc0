/// The script that starts a restored machine: `start`, and `resume` if its memory was restored.
package struct StartScript: Sendable {
  package enum Kind: String, Sendable, CaseIterable {
    /// Boots it from its disks.
    case start
    /// Goes on with its memory and devices.
    case resume
  }

  /// The memory and the devices' states, in the script's directory.
  package static let memoryName = "vmstate.bin"
  /// Says that the disks have gone on since they were restored.
  package static let startedName = "started"
  /// The new machine's QMP socket.
  package static let socketName = "qmp"

  package let text: String
  /// What the machine had and the script has not, a line each.
  package let leftOut: [String]
  /// What the user has to do before it can run, a line each.
  package let stops: [String]
  /// Whether it was made of QMP's answers only.
  package let isDraft: Bool

  /// - Parameters:
  ///   - record: Of any origin.
  ///   - disks: Those that were restored.
  ///   - hasMemory: Whether the memory was restored with them.
  ///   - isTrusted: The recorded command line may be used as it is.
  package init(
    _ kind: Kind, of record: MachineRecord, _ disks: [RestoredDisk], hasMemory: Bool,
    isTrusted: Bool
  ) throws(StartError) {
    let emulator = try record.emulator()
    isDraft = record.line == nil
    let recorded: RecordedLine
    if let line = record.line { recorded = line } else { recorded = try DraftLine.line(record) }
    let (line, added) =
      isDraft ? (recorded, []) : DraftLine.completed(recorded, record)
    var body = ScriptBody(kind, emulator: emulator, hasMemory: hasMemory)
    body.continues = kind == .resume && record.ran
    if isTrusted && !isDraft {
      let trusted = TrustedLine(line, of: record, disks)
      (body.words, leftOut, stops) = (trusted.words, [], trusted.stops)
      body.directory = line.directory
    } else {
      let allowed = AllowedLine(line, of: record, disks, hasMemory: kind == .resume)
      (body.words, leftOut, stops) = (allowed.words, allowed.leftOut, [])
      body.isAllowed = true
    }
    body.comments = Self.comments(kind, isDraft, isTrusted, added, leftOut)
    body.stops = stops
    text = try body.text()
  }

  private static func comments(
    _ kind: Kind, _ isDraft: Bool, _ isTrusted: Bool, _ added: [String], _ leftOut: [String]
  ) -> [String] {
    var lines = [
      kind == .start
        ? "Starts the machine that was restored here, from its disks."
        : "Lets the machine that was restored here go on with its memory."
    ]
    if isDraft {
      lines.append("A draft: made of what its QEMU told by QMP, without its command line.")
      lines.append("Compare it with how the machine was started before you use it.")
    } else if isTrusted {
      lines.append("Made of its command line as it was recorded.")
    } else {
      lines.append("Made of its command line, of which only what is known to be harmless is used.")
    }
    lines.append("Arguments are passed to QEMU; QEMU=PROGRAM runs another one.")
    for name in added { lines.append("Added while the machine ran: \(name)") }
    if !leftOut.isEmpty { lines += ["", "The machine had, and this one has not:"] }
    return lines + leftOut.map { "  \($0)" }
  }
}
