/// Frames in words, one line each: for people who look for what went wrong between two programs.
extension FrameHeader {
  /// Characters of a control payload, or of a list, that a line has at most.
  private static let textMax = 4000

  /// The frame as a line, with the section of protocol.md that says what it means.
  ///
  /// - Parameter payload: All of it. If it is malformed, the line says so, and what rule it breaks.
  public func words(_ payload: RawSpan) -> String {
    var words = "\(type.name) #\(sequence)"
    if stream != 0 { words += " stream \(stream)" }
    do throws(WireError) {
      let what = try meaning(payload)
      if !what.isEmpty { words += ": \(what)" }
      return "\(words) [§\(type.section)]"
    } catch { return "\(words): malformed: \(error) (\(error.rule.citation))" }
  }

  private func meaning(_ payload: RawSpan) throws(WireError) -> String {
    switch type {
    case .data: try DataFrame(parsing: payload).words
    case .zero: try ZeroFrame(parsing: payload).words
    case .close: try CloseFrame(parsing: payload).words
    case .read: try ReadFrame(parsing: payload).words
    case .readDone: try ReadDoneFrame(parsing: payload).words
    case .release: try releases(payload)
    case .extents: try extents(payload)
    case .damaged: try DamagedFrame(parsing: payload).words
    case .error: try ErrorFrame(parsing: payload).words
    case .busy: try BusyFrame(parsing: payload).words
    case .log: try LogFrame(parsing: payload).words
    case .progress: try ProgressFrame(parsing: payload).words
    case .checkpoint: "\(try CheckpointFrame(parsing: payload).id)"
    case .checkpointAck: "\(try CheckpointAckFrame(parsing: payload).id)"
    case _ where type.isControl: try control(payload)
    default: "\(payload.byteCount) bytes that mean nothing to a receiver of this version"
    }
  }

  private func control(_ payload: RawSpan) throws(WireError) -> String {
    _ = try ControlFrame.members(type, payload.allBytes)
    return plainText(payload.allBytes.prefix(Self.textMax))
      + (payload.byteCount > Self.textMax ? "… (\(payload.byteCount) bytes)" : "")
  }

  private func releases(_ payload: RawSpan) throws(WireError) -> String {
    var numbers: [String] = []
    try ReleaseFrame.parse(payload) { number throws(WireError) in numbers.append("#\(number)") }
    return "of " + numbers.joined(separator: " ")
  }

  private func extents(_ payload: RawSpan) throws(WireError) -> String {
    var (count, end): (Int, UInt64) = (0, 0)
    try ExtentsFrame.parse(payload) { extent throws(WireError) in
      count += 1
      end = extent.end
    }
    return "\(count) extents up to \(end)\(flags == Self.lastExtentsFlag ? ", the last" : "")"
  }
}

extension FrameType {
  /// The section of protocol.md that says what it means.
  public var section: String {
    switch self {
    case .hello, .helloAck: "4.2"
    case .job, .jobAck: "4.3"
    case .finish, .finished, .abort, .aborted: "4.4"
    case .error: "4.5"
    case .open: "4.6"
    case .data: "4.7"
    case .zero: "4.8"
    case .close: "4.9"
    case .read, .readDone: "4.10"
    case .release: "4.11"
    case .checkpoint, .checkpointAck: "4.12"
    case .busy, .log, .progress: "4.13"
    case .extents: "4.14"
    case .damaged: "4.15"
    default: "3.4"
    }
  }
}

extension DataFrame {
  fileprivate var words: String {
    let place =
      switch place {
      case .inline: "inline"
      case .slot(let slot): "in slot \(slot)"
      }
    return "\(length) bytes at \(offset), \(place)"
      + (maskCount > 0 ? ", \(maskCount) masks" : "") + answering(request)
  }
}

extension ZeroFrame {
  fileprivate var words: String { "\(length) bytes at \(offset), \(kind)\(answering(request))" }
}

extension DamagedFrame {
  fileprivate var words: String {
    "\(length) bytes at \(offset)\(answering(request)): \(plainText(reason.utf8))"
  }
}

extension CloseFrame {
  fileprivate var words: String {
    let digest =
      digest.algorithm == .none ? "no digest" : "\(digest.algorithm.name) \(digest.hexadecimal)"
    return "\(logicalLength) bytes, \(digest)"
  }
}

extension ReadFrame {
  fileprivate var words: String { isWholeStream ? "all of it" : "\(length) bytes at \(offset)" }
}

extension ReadDoneFrame {
  fileprivate var words: String {
    "\(status == .none ? "done" : status.name)\(answering(request))"
  }
}

extension ErrorFrame {
  fileprivate var words: String {
    let name = errnoName.map { ", \(plainText($0.utf8))" } ?? ""
    return "\(code.name)\(isFatal ? "" : " of the stream alone")\(answering(answers))\(name): "
      + plainText(message.utf8) + (detail.map { "; detail: \(plainText($0.utf8))" } ?? "")
  }
}

extension BusyFrame {
  fileprivate var words: String { "for \(expectedMilliseconds) ms: \(plainText(reason.utf8))" }
}

extension LogFrame {
  fileprivate var words: String { "\(level): \(plainText(text.utf8))" }
}

extension ProgressFrame {
  fileprivate var words: String { "\(storedBytes) bytes stored of \(logicalBytes)" }
}

private func answering(_ request: UInt32) -> String {
  request == 0 ? "" : ", answers #\(request)"
}

/// Text of a peer on one line: it must not look like two.
private func plainText(_ bytes: some Sequence<UInt8>) -> String {
  var text = ""
  for scalar in String(decoding: Array(bytes), as: UTF8.self).unicodeScalars {
    let isPlain = scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value)
    text.unicodeScalars.append(isPlain ? scalar : "\u{FFFD}")
  }
  return text
}
