internal import BackupProtocol
internal import Sandbox
internal import System

extension CaseHost {
  /// The process ends by itself, in this way, and sends nothing more.
  func expectEnd(
    _ status: ExitStatus, _ clause: String
  ) throws {
    let seconds = bench.patience.seconds
    let isEnded = try drain(seconds: seconds)
    if let denial = plugin.denial { throw Fault("18", denial) }
    guard isEnded, let end = plugin.end else {
      bench.patience.noteSilence()
      throw Fault(clause, "did not exit within \(Int(seconds)) s")
    }
    guard hasInputEnded || plugin.fromPlugin == nil else {
      throw Fault("2.1-4", "exited, and something of it still holds channel 4")
    }
    while let frame = takeReceived() {
      do throws(WireError) {
        if [.finished, .aborted].contains(machine.phase) { try machine.receive(frame.type) }
      } catch { throw Fault(error) }
      if !frame.type.isIgnorable && frame.type != .release {
        throw Fault(clause, "sent \(frame.type.name) at its end")
      }
    }
    guard end == status else {
      // Who stumbles over a frame without meaning breaks the rule of the case.
      let rule = status == .code(0) ? "2.4-1" : "2.4"
      throw Fault(setup.isGreasing ? nil : rule, "\(endText) in place of \(status)")
    }
  }

  /// The fatal ERROR that must come now, and the exit after it.
  ///
  /// - Parameter codes: Any of which is right.
  @discardableResult
  func expectError(_ codes: [ErrorCode], _ clause: String? = nil) throws -> ErrorFrame {
    while true {
      let frame = try receive("an ERROR", clause, exit: "15.2-2")
      if frame.type.isIgnorable || frame.type == .release || frame.type == .busy { continue }
      guard frame.type == .error else {
        throw Fault(clause, "sent \(frame.type.name) in place of an ERROR")
      }
      do { try takeError(frame, awaited: "an answer") } catch let refusal as Refusal {
        try expect(refusal.error, codes, clause)
        return refusal.error
      }
      throw Fault(setup.mode == .write ? "4.5-2" : clause, "sent an ERROR that is not fatal")
    }
  }

  private func expect(_ error: ErrorFrame, _ codes: [ErrorCode], _ clause: String?) throws {
    guard codes.isEmpty || codes.contains(error.code) else {
      let wanted = codes.map(\.name).joined(separator: " or ")
      if isProbing, error.code == .unknownFrame {
        throw Fault(clause, "took it, and refused only the unknown frame behind it")
      }
      throw Fault(
        clause, "answered \(error.code.name) (\(error.message)) in place of \(wanted)")
    }
    try closeInput()
    try expectEnd(.code(1), "15.2-2")
  }

  /// A frame that no receiver takes follows: what came before it, and should not have been taken,
  /// is told apart from what was refused without waiting for silence.
  func probe() {
    isProbing = true
    _ = queue { $0.append(FrameType(rawValue: 0x0123)) { $0 += [0] } }
  }

  /// Sends ABORT.
  func abort() throws {
    try send { $0.append(.abort, Abort(reason: "called off by a test").object) }
    machine.sentAbort()
  }

  /// Nothing is left where the archive was to be.
  func expectNothingLeft(_ clause: String) throws {
    guard kind == .directory else { return }
    let names = try listDirectory(room.path + "/" + CaseArchive.name)
    guard names.isEmpty else {
      throw Fault(clause, "left \(names.joined(separator: ", ")) in the directory")
    }
  }
}
