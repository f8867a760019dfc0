import BackupProtocol
import Testing

struct HostStateMachineTests {
  /// Frames in the order of a good run.
  private let run: [FrameType] = [.helloAck, .jobAck, .release, .finished]

  @Test func `a good run passes`() throws {
    var machine = HostStateMachine(mode: .write)
    for type in run {
      if type == .finished { machine.sentFinish() }
      try machine.receive(type)
    }
    #expect(machine.phase == .finished)
  }

  @Test(arguments: [FrameType.jobAck, .release, .finished, .aborted, .hello, .job, .finish, .read])
  func `nothing but HELLO_ACK may come first`(type: FrameType) {
    var machine = HostStateMachine(mode: .write)
    #expect(throws: WireError.self) { try machine.receive(type) }
  }

  @Test func `nothing may come after FINISHED, not even a log line`() throws {
    for type in [FrameType.log, .release, .error, .finished, .progress] {
      var machine = HostStateMachine(mode: .write)
      try machine.receive(.helloAck)
      try machine.receive(.jobAck)
      machine.sentFinish()
      try machine.receive(.finished)
      #expect(throws: WireError.self) { try machine.receive(type) }
    }
  }

  @Test func `lost ranges may be told in a salvage only`() throws {
    for salvages in [true, false] {
      var machine = HostStateMachine(mode: .read, salvages: salvages)
      try machine.receive(.helloAck)
      #expect(throws: WireError.self) { try machine.receive(.damaged) }
      try machine.receive(.jobAck)
      if salvages {
        try machine.receive(.damaged)
      } else {
        #expect(throws: WireError.self) { try machine.receive(.damaged) }
      }
    }
  }

  @Test func `FINISHED before FINISH is refused`() throws {
    var machine = HostStateMachine(mode: .write)
    try machine.receive(.helloAck)
    try machine.receive(.jobAck)
    #expect(throws: WireError.self) { try machine.receive(.finished) }
  }

  @Test func `a writer sends no data and a reader releases none`() throws {
    for (mode, type) in [(Job.Mode.write, FrameType.data), (.read, .release)] {
      var machine = HostStateMachine(mode: mode)
      try machine.receive(.helloAck)
      try machine.receive(.jobAck)
      #expect(throws: WireError.self) { try machine.receive(type) }
    }
  }

  @Test func `answers that were under way are admitted after ABORT`() throws {
    var machine = HostStateMachine(mode: .write)
    try machine.receive(.helloAck)
    machine.sentAbort()
    try machine.receive(.jobAck)
    try machine.receive(.release)
    try machine.receive(.aborted)
    #expect(machine.phase == .aborted)
    #expect(throws: WireError.self) { try machine.receive(.release) }
  }
}
