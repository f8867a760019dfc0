internal import BackupProtocol
internal import JSON

extension ConformanceCase {
  /// Each known frame where no state admits it; protocol.md §5.2 and §5.3.
  static let states: [ConformanceCase] =
    Stage.allCases.map { stage in
      ConformanceCase(
        id: "core.state-" + stage.rawValue, clauses: ["3.4-3", "5.2-1"],
        does: "sends each frame that is not allowed \(stage.words); expects E_STATE each time",
        remedy: "answer a known frame that the state does not admit with E_STATE, whether or not "
          + "its bit 15 is set"
      ) { bench in
        for type in stage.refused {
          let host = try bench.startWriter()
          try host.reach(stage)
          host.queueSample(type)
          host.probe()
          do { try host.expectError([.state], "3.4-3") } catch let fault as Fault {
            throw Fault(fault.clause, "\(type.name) \(stage.words): \(fault.message)")
          }
        }
      }
    }
    + [
      ConformanceCase(
        "core.state-other-stream", "3.4-3", "5.2-1",
        does: "sends DATA, ZERO and CLOSE of a stream that is not the open one; expects E_STATE",
        remedy: "take frames of the open stream alone"
      ) { bench in
        try bench.require(bench.contents.count > 1, "the format takes one stream alone")
        for type in [FrameType.data, .zero, .close] {
          let host = try bench.startWriter()
          try host.reach(.active)
          host.queueSample(type, stream: bench.contents[0].stream.id)
          host.probe()
          do { try host.expectError([.state], "3.4-3") } catch let fault as Fault {
            throw Fault(fault.clause, "\(type.name): \(fault.message)")
          }
        }
      },
      ConformanceCase(
        "core.open-again", "5.2-1",
        does: "opens a stream that is closed already; expects E_STATE",
        remedy: "open each stream once"
      ) { bench in
        let host = try bench.startWriter()
        try host.reach(.closed)
        host.queueControl(.open, "{}", stream: bench.contents[0].stream.id)
        host.probe()
        try host.expectError([.state, .protocol], "5.2-1")
      },
    ]
}

extension Stage {
  private static let hello: [FrameType] = [.hello]
  private static let answers: [FrameType] = [
    .helloAck, .jobAck, .finished, .aborted, .checkpointAck, .busy, .readDone, .log, .progress,
    .damaged,
  ]

  /// What must not come now. ABORT and ERROR may always.
  fileprivate var refused: [FrameType] {
    switch self {
    case .start: Self.answers + [.job, .finish, .open, .data, .zero, .close, .read, .release]
    case .greeted:
      Self.answers + [.hello, .finish, .open, .data, .zero, .close, .read, .release, .extents]
    case .ready: Self.answers + [.hello, .job, .finish, .data, .zero, .close, .read, .release]
    case .active:
      Self.answers + [.hello, .job, .finish, .open, .read, .release, .extents, .checkpoint]
    case .closed:
      Self.answers + [.hello, .job, .data, .zero, .close, .read, .release, .extents]
    }
  }
}

extension CaseHost {
  /// Queues a sound frame of a type, wherever it belongs.
  func queueSample(_ type: FrameType, stream: UInt32? = nil) {
    let id = stream ?? activeStream.stream.id
    switch type {
    case .hello: queueHello { _ in }
    case .job: queueJob { _ in }
    case .data: queueData(stream: id)
    case .zero: queuePayload(.zero, .zero(0, 65536, 0), stream: id)
    case .close: queuePayload(.close, .close(0, 0, 0), stream: id)
    case .open: queueControl(.open, "{}", stream: id)
    default: queueOther(type, id)
    }
  }

  private func queueOther(_ type: FrameType, _ id: UInt32) {
    _ = queue { writer in
      switch type {
      case .read: writer.append(ReadFrame(), stream: id)
      case .release: writer.appendRelease([0].span)
      case .readDone: writer.append(ReadDoneFrame(request: 0, status: .none), stream: id)
      case .extents: writer.append(extents: [], stream: id, isLast: true)
      case .damaged:
        let frame = DamagedFrame(offset: 0, length: 65536, request: 0, reason: "none")
        writer.append(frame, stream: id)
      case .busy: writer.append(BusyFrame(expectedMilliseconds: 1, reason: "none"))
      case .log: writer.append(LogFrame(level: .info, text: "none"))
      case .progress: writer.append(ProgressFrame(storedBytes: 0, logicalBytes: 0))
      case .checkpoint: writer.append(CheckpointFrame(id: 1))
      case .checkpointAck: writer.append(CheckpointAckFrame(id: 1, durability: .accepted))
      case .helloAck:
        writer.append(type, HelloAck(features: [], plugin: "x", pluginVersion: "1").object)
      default: writer.append(type, [:])
      }
    }
  }
}
