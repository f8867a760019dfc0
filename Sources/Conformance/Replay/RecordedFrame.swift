internal import BackupProtocol
package import PluginHost

/// A frame of a recording, whole again: what was left out of it is zeros.
struct RecordedFrame: Sendable {
  let header: FrameHeader
  var payload: [UInt8]
  /// Bytes at the end of the payload that were left out.
  let leftOut: Int

  /// - Throws: ``ReplayError`` if it is no frame, or was changed since it was recorded.
  init(_ recorded: RecordedBytes, line: Int) throws(ReplayError) {
    guard !recorded.isDamaged else { throw .changed(line: line) }
    do throws(WireError) {
      guard recorded.bytes.count >= FrameHeader.byteCount else {
        throw .length(.hello, length: recorded.bytes.count)
      }
      header = try Bytes.parse(recorded.bytes) { bytes throws(WireError) in
        try FrameHeader(parsing: bytes, frameBytesMax: Limits.frameBytesMax)
      }
    } catch { throw .noFrame(line: line) }
    payload = Array(recorded.bytes.dropFirst(FrameHeader.byteCount))
    payload += repeatElement(0, count: recorded.leftOut)
    leftOut = recorded.leftOut
    guard payload.count == header.length else { throw .noFrame(line: line) }
  }

  var type: FrameType { header.type }

  /// All its bytes.
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    header.append(to: &bytes)
    return bytes + payload
  }

  /// In words, as a trace has them.
  var words: String { (try? Bytes.parse(payload) { header.words($0) }) ?? header.type.name }

  /// What a DATA says of its bytes.
  var data: DataFrame? {
    guard type == .data else { return nil }
    return try? Bytes.parse(payload) { payload throws(WireError) in
      try DataFrame(parsing: payload)
    }
  }

  /// Which blocks of a DATA are not zeros.
  func mask(_ cluster: Int, _ data: DataFrame) -> BlockMask {
    (try? Bytes.parse(payload) { data.mask(cluster, in: $0) }) ?? .all
  }
}

/// Why a recording cannot be played.
package enum ReplayError: Error, Equatable, Sendable {
  case recording(RecordingError)
  /// There is no such session in it.
  case noSession(Int)
  /// It ends before the plugin had a job.
  case noJob
  /// The plugin does not have the format.
  case otherFormat(String)
  /// It was read from an archive, which is needed again.
  case needsArchive
  case noFrame(line: Int)
  case changed(line: Int)
  /// The plugin could not be started, or its archive not be opened.
  case notStarted(String)
}
