internal import BackupProtocol
internal import Glibc
internal import JSON
internal import Sandbox
internal import System

extension ConformanceCase {
  /// How a job ends otherwise than well: §13, and the storage's faults.
  static let endings: [ConformanceCase] =
    Stage.allCases.flatMap { [atEnd($0), atAbort($0), atError($0)] }
    + Stage.allCases.dropFirst().map { atKill($0) } + [
      ConformanceCase(
        "core.eof-in-frame", "3.2-5", "13.3-1",
        does: "ends the input in the middle of a DATA; expects exit 1, and nothing left",
        remedy: "take an end in the middle of a frame for the death of the host"
      ) { bench in
        let host = try bench.startWriter()
        try host.reach(.active)
        _ = host.queue {
          $0.removeLast(20)
        } _: {
          $0.append(.zero, stream: host.activeStream.stream.id) { $0 += .zero(0, 65536, 0) }
        }
        try host.closeInput()
        try host.expectEnd(.code(1), "13.3-1")
        try host.expectNothingLeft("13.3-1")
      },
      ConformanceCase(
        "core.abort-finished", "5.2-1", "4.4-2",
        does: "sends ABORT after FINISHED; expects exit 1 without a word",
        remedy: "send nothing after FINISHED; at ABORT remove your work and exit 1"
      ) { bench in
        let host = try bench.startWriter()
        try host.reach(.closed)
        try host.send { $0.append(.finish, [:]) }
        host.machine.sentFinish()
        try host.await(.finished, "6.3-2")
        _ = host.queue { $0.append(.abort, [:]) }
        try host.closeInput()
        try host.expectEnd(.code(1), "5.2-1")
        try host.expectNothingLeft("5.2-1")
      },
      ConformanceCase(
        "core.deaf-host", "13.3-2",
        does: "closes channel 4 in the middle of a job; expects the plugin's end",
        remedy: "take EPIPE for the host's death, and ignore SIGPIPE"
      ) { bench in
        let host = try bench.startWriter()
        try host.reach(.active)
        host.closeOutput()
        try host.closeInput()
        guard try host.drain() else {
          throw Fault("13.3-2", "goes on without a host to hear it")
        }
        if host.plugin.end == .code(0) { throw Fault("2.4", "exited with status 0") }
      },
      ConformanceCase(
        "core.read-only", "15.2-2", "2.4", scope: .format,
        does: "gives it a directory that it cannot write to; expects an ERROR and exit 1",
        remedy: "say by ERROR E_PERMISSION or E_IO why nothing can be written"
      ) { bench in try tryReadOnly(bench) },
      ConformanceCase(
        "core.no-space", "15.2-2", "15.1", scope: .output,
        does: "writes to a file system of 1 MiB; expects ERROR E_NO_SPACE and exit 1",
        remedy: "take ENOSPC, EDQUOT and EFBIG for E_NO_SPACE, also where close or fsync says so"
      ) { bench in try tryFull(bench) },
    ]

  private static func atEnd(_ stage: Stage) -> ConformanceCase {
    ConformanceCase(
      id: "core.eof-" + stage.rawValue, clauses: ["13.3-1"],
      does: "ends the input \(stage.words); expects exit 1 without a frame, and nothing left",
      remedy: "take the end of input before FINISHED for the host's death: remove your work, exit 1"
    ) { bench in
      let host = try bench.startWriter()
      try host.reach(stage)
      try host.closeInput()
      try host.expectEnd(.code(1), "13.3-1")
      try host.expectNothingLeft("13.3-1")
    }
  }

  private static func atAbort(_ stage: Stage) -> ConformanceCase {
    ConformanceCase(
      id: "core.abort-" + stage.rawValue, clauses: ["5.2-1", "13.2", "4.4-2"],
      does: "sends ABORT \(stage.words); expects ABORTED, exit 1, and nothing left",
      remedy: "at ABORT remove your work, answer ABORTED, exit 1"
    ) { bench in
      let host = try bench.startWriter()
      try host.reach(stage)
      try host.abort()
      try host.await(.aborted, "5.2-1")
      try host.closeInput()
      try host.expectEnd(.code(1), "5.2-1")
      try host.expectNothingLeft("5.2-1")
    }
  }

  private static func atError(_ stage: Stage) -> ConformanceCase {
    ConformanceCase(
      id: "core.error-" + stage.rawValue, clauses: ["4.5-4", "5.2-1"],
      does: "sends ERROR \(stage.words); expects exit 1 without a frame, and nothing left",
      remedy: "take an ERROR of the host for the end of input"
    ) { bench in
      let host = try bench.startWriter()
      try host.reach(stage)
      _ = host.queue { $0.append(ErrorFrame(code: .protocol, message: "called off by a test")) }
      try host.closeInput()
      try host.expectEnd(.code(1), "4.5-4")
      try host.expectNothingLeft("5.2-1")
    }
  }

  private static func atKill(_ stage: Stage) -> ConformanceCase {
    ConformanceCase(
      id: "core.kill-" + stage.rawValue, clauses: ["13.2-1", "2.1-4"],
      does: "kills it \(stage.words); expects that nothing holds its channels then",
      remedy: "leave no process behind"
    ) { bench in
      let host = try bench.startWriter()
      try host.reach(stage)
      host.plugin.kill()
      try host.expectEnd(.signal(SIGKILL), "13.2-1")
    }
  }

  private static func tryReadOnly(_ bench: CaseBench) throws {
    try bench.require(bench.format.outputs.contains(.directory), "it does not write directories")
    var setup = CaseSetup()
    (setup.output, setup.directoryMode) = (.directory, 0o555)
    try bench.require(
      geteuid() != 0 || bench.sandbox != nil, "root can write to any directory without a sandbox")
    let host = try bench.startWriter(setup)
    try host.greet()
    do {
      try host.start(bench.contents)
      try host.sendMaps(bench.contents, WritingStyle())
      for content in bench.contents { try host.write(content) }
      try host.finish()
    } catch let refusal as Refusal {
      let right: [ErrorCode] = [.permission, .io]
      guard right.contains(refusal.error.code) else {
        throw Fault("15.2-2", "answers \(refusal.error.code.name) in place of E_PERMISSION")
      }
      try host.closeInput()
      return try host.expectEnd(.code(1), "15.2-2")
    }
    throw Fault("6.3-2", "sends FINISHED of what it cannot have written")
  }

  private static func tryFull(_ bench: CaseBench) throws {
    try bench.require(bench.output != .pipe, "a pipe is never full")
    var setup = CaseSetup()
    setup.isFull = true
    let host = try bench.startWriter(setup)
    try host.greet()
    let contents = bench.contents.map { content in
      var content = content
      guard content.stream.kind == bench.contents.last?.stream.kind else { return content }
      content.bytes = Bytes.noise(4 << 20, seed: 99)
      content.stream.size = 4 << 20
      return content
    }
    do {
      try host.start(contents)
      try host.sendMaps(contents, WritingStyle())
      for content in contents { try host.write(content) }
      try host.finish()
    } catch let refusal as Refusal {
      guard refusal.error.code == .noSpace else {
        throw Fault("15.1", "answers \(refusal.error.code.name) in place of E_NO_SPACE")
      }
      try host.closeInput()
      return try host.expectEnd(.code(1), "15.2-2")
    }
    throw Fault("6.3-2", "sends FINISHED of more than the file system holds")
  }
}
