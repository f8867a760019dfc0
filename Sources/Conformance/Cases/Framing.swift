internal import BackupProtocol

extension ConformanceCase {
  /// Frames that nobody takes, inside a job: §3, §4.7 to §4.14, §5.2 and §6.2.
  static let framing: [ConformanceCase] =
    (headerRows + dataRows + zeroRows + closeRows).map(\.asCase)

  private static let headerRows: [Provocation] = [
    Provocation("seq-gap", "3.2-2", .active, "a DATA that leaves out a number") { host in
      _ = host.queue { _ in
      } _: {
        $0.append(FrameType(rawValue: 0x8A0A)) { $0 += [1] }
      }
      host.queueData { $0.put(host.sequence + 1, at: 12) }
    },
    Provocation("seq-again", "3.2-2", .active, "a DATA with the number of the frame before") {
      host in host.queueData { $0.put(host.sequence - 2, at: 12) }
    },
    Provocation("seq-grease", "3.2-2", .active, "a frame to be skipped with a number too high") {
      host in
      _ = host.queue {
        $0.put(host.sequence + 5, at: 12)
      } _: {
        $0.append(FrameType(rawValue: 0x9A1A)) { $0 += [1, 2] }
      }
    },
    Provocation(
      "unknown-greeted", "3.4-2", .greeted, "an unknown frame without bit 15", [.unknownFrame]
    ) { host in _ = host.queue { $0.append(FrameType(rawValue: 0x0777)) { $0 += [1] } } },
    Provocation(
      "unknown-active", "3.4-2", .active, "an unknown frame without bit 15", [.unknownFrame]
    ) { host in _ = host.queue { $0.append(FrameType(rawValue: 0x7001)) { _ in } } },
    long("data-long", .data, 1_114_113, "a DATA of 1114113 bytes", stream: true),
    long("close-long", .close, 49, "a CLOSE of 49 bytes", stream: true),
    long("zero-long", .zero, 25, "a ZERO of 25 bytes", stream: true),
    long("open-long", .open, 262_145, "an OPEN of 262145 bytes", stream: true),
    long(
      "unknown-long", FrameType(rawValue: 0x8A0A), 1_114_113,
      "a frame to be skipped of 1114113 bytes"),
    long("unknown-huge", FrameType(rawValue: 0xF00F), .max, "a frame to be skipped of 4 GiB"),
    Provocation("stream-zero", "3.2-4", .active, "a DATA of the session") { host in
      host.queueData(stream: 0)
    },
    Provocation("stream-large", "3.2-4", .active, "a DATA of stream 1025") { host in
      host.queueData(stream: 1025)
    },
    Provocation("finish-stream", "3.2-4", .closed, "a FINISH of a stream") { host in
      host.queueControl(.finish, "{}", stream: 1)
    },
    Provocation("data-flags", "1.2-2", .active, "a DATA with an undefined flag") { host in
      host.queueData { $0.put(UInt16(4), at: 6) }
    },
    Provocation("zero-flags", "1.2-2", .active, "a ZERO with an undefined flag") { host in
      host.queuePayload(.zero, .zero(0, 65536, 0), flags: 0x8000)
    },
  ]

  /// The header of a frame over its limit; the payload does not come.
  private static func long(
    _ id: String, _ type: FrameType, _ length: UInt32, _ what: String, stream: Bool = false
  ) -> Provocation {
    Provocation(
      id, "3.2-1", .active, "the header of " + what, [.limit], isHeaderOnly: true
    ) { host in
      let number = stream ? host.activeStream.stream.id : 0
      _ = host.queue {
        $0.put(length, at: 0)
      } _: {
        $0.append(type, stream: number) { _ in }
      }
    }
  }

  private static let dataRows: [Provocation] = [
    Provocation("data-short", "3.3-1", .active, "a DATA with fewer bytes than it says") { host in
      host.queueData(payload: 65535)
    },
    Provocation("data-more", "3.3-1", .active, "a DATA with more bytes than it says") { host in
      host.queueData(payload: 65537)
    },
    Provocation("data-struct", "3.3-1", .active, "a DATA of 33 bytes") { host in
      host.queuePayload(.data, [UInt8](repeating: 0, count: 33))
    },
    Provocation("data-offset", "6.2-4", .active, "a DATA at byte 512") { host in
      host.queueData(offset: 512)
    },
    Provocation("data-gap", "5.2-2", .active, "a DATA that does not begin at 0") { host in
      host.queueData(offset: 65536)
    },
    Provocation("data-again", "5.2-2", .active, "a DATA for bytes that came before") { host in
      host.queueData()
      host.queueData()
    },
    Provocation("data-cut", "6.2-4", .active, "a DATA that ends inside a cluster") { host in
      host.queueData(length: 512)
    },
    Provocation("data-beyond", "6.2-3", .active, "a DATA beyond the stream's end") { host in
      host.queueToEnd()
      host.queueData(offset: host.activeStream.length / 65536 * 65536, length: 65536)
    },
    Provocation("data-empty", "4.7-5", .active, "a DATA of no bytes") { host in
      host.queueData { bytes in
        bytes.put(UInt32(0), at: 16 + 8)
      }
    },
    Provocation("data-nmask", "3.3-1", .active, "a DATA with two masks for one cluster") { host in
      host.queueData(masks: [.all, .all])
    },
    Provocation("data-mask-tail", "4.7-4", .active, "a DATA with a mask beyond its bytes") { host in
      host.queueTail(mask: .all)
    },
    Provocation("data-where", "1.2-2", .active, "a DATA that is neither inline nor in a slot") {
      $0.queueData { $0.put(UInt16(2), at: 16 + 12) }
    },
    Provocation("data-inline-slot", "1.2-2", .active, "an inline DATA that names a slot") {
      $0.queueData { $0.put(UInt32(1), at: 16 + 16) }
    },
    Provocation("data-slot-off", "1.2-2", .active, "a DATA with a `slot_off` other than 0") {
      $0.queueData { $0.put(UInt32(4096), at: 16 + 20) }
    },
    Provocation("data-reserved", "1.2-2", .active, "a DATA with a reserved field other than 0") {
      $0.queueData { $0.put(UInt32(1), at: 16 + 28) }
    },
    Provocation("data-padding", "1.2-2", .active, "a DATA with padding other than zeros") {
      $0.queueData(masks: [.all]) { $0[16 + 32 + 5] = 1 }
    },
    Provocation(
      "data-slot-unused", "4.2-4", .active, "a DATA in a slot, without `shm`",
      [.state, .protocol]
    ) { host in
      let frame = DataFrame(offset: 0, length: 65536, place: .slot(0))
      let id = host.activeStream.stream.id
      let masks: [BlockMask] = []
      _ = host.queue { $0.append(frame, stream: id, masks: masks.span) }
    },
  ]

  private static let zeroRows: [Provocation] = [
    Provocation("zero-short", "3.3-1", .active, "a ZERO of 23 bytes") { host in
      host.queuePayload(.zero, Array([UInt8].zero(0, 65536, 0).dropLast()))
    },
    Provocation("zero-kind", "1.2-2", .active, "a ZERO of kind 3") { host in
      host.queuePayload(.zero, .zero(0, 65536, 3))
    },
    Provocation("zero-unchanged", "4.8-2", .active, "an unchanged range of a whole stream") {
      $0.queuePayload(.zero, .zero(0, 65536, 2))
    },
    Provocation("zero-gap", "5.2-2", .active, "a ZERO that does not begin at 0") { host in
      host.queuePayload(.zero, .zero(65536, 65536, 0))
    },
    Provocation("zero-empty", "6.2-3", .active, "a ZERO of no bytes") { host in
      host.queuePayload(.zero, .zero(0, 0, 0))
    },
    Provocation("zero-beyond", "6.2-3", .active, "a ZERO beyond the stream's end") { host in
      host.queuePayload(.zero, .zero(0, (host.activeStream.length / 65536 + 2) * 65536, 0))
    },
    Provocation("zero-large", "4.8-3", .active, "a ZERO that ends beyond 2^53−1") { host in
      host.queuePayload(.zero, .zero(0, .max, 0))
    },
    Provocation("zero-cut", "6.2-4", .active, "a ZERO that ends inside a cluster") { host in
      host.queuePayload(.zero, .zero(0, 4096, 0))
    },
  ]

  private static let closeRows: [Provocation] = [
    Provocation("close-early", "4.9-1", .active, "a CLOSE before the stream's end") { host in
      host.queuePayload(.close, .close(0, 0, 0))
    },
    Provocation("close-first", "4.9-1", .active, "a CLOSE before the data, with its length") {
      $0.queuePayload(.close, .close($0.activeStream.length, 0, 0))
    },
    Provocation("close-lie", "4.9-1", .active, "a CLOSE with another length") { host in
      host.queueToEnd(whole: true)
      host.queuePayload(.close, .close(host.activeStream.length + 1, 0, 0))
    },
    Provocation("close-algorithm", "10.1-1", .active, "a CLOSE with digest algorithm 9") { host in
      host.queueToEnd(whole: true)
      host.queuePayload(.close, .close(host.activeStream.length, 9, 32))
    },
    Provocation("close-length", "10.1-1", .active, "a CLOSE with a digest of 0 bytes") { host in
      host.queueToEnd(whole: true)
      host.queuePayload(.close, .close(host.activeStream.length, 2, 0))
    },
    Provocation("close-increment", "10.1-2", .active, "a CLOSE with the digest of an increment") {
      $0.queueToEnd(whole: true)
      $0.queuePayload(.close, .close($0.activeStream.length, 3, 32))
    },
    Provocation("close-short", "3.3-1", .active, "a CLOSE of 15 bytes") { host in
      host.queueToEnd(whole: true)
      host.queuePayload(.close, Array([UInt8].close(host.activeStream.length, 0, 0).dropLast()))
    },
    Provocation("close-reserved", "1.2-2", .active, "a CLOSE with a reserved field other than 0") {
      $0.queueToEnd(whole: true)
      $0.queuePayload(.close, .close($0.activeStream.length, 0, 0, reserved: 1))
    },
    Provocation(
      "finish-early", "5.2-1", .ready, "a FINISH before all streams are closed", [.state]
    ) { host in host.queueControl(.finish, "{}") },
  ]
}

extension CaseHost {
  /// Queues zeros up to the end of the open stream, or to its last cluster.
  fileprivate func queueToEnd(whole: Bool = false) {
    let length = activeStream.length
    let end = whole ? length : length / 65536 * 65536
    if end > 0 { queuePayload(.zero, .zero(0, end, 0)) }
  }

  /// Queues the last bytes of the open stream, those behind its whole clusters, with a mask.
  fileprivate func queueTail(mask: BlockMask) {
    queueToEnd()
    let start = activeStream.length / 65536 * 65536
    let count = Int(activeStream.length - start)
    queueData(offset: start, length: count == 0 ? 512 : count, masks: [mask])
  }
}
