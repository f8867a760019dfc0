internal import BackupProtocol
internal import JSON
internal import PluginHost
internal import SharedPool

extension CaseHost {
  /// The next frame of a type; what a plugin may say meanwhile is taken and checked.
  ///
  /// - Throws: ``Refusal`` for a fatal ERROR, ``Fault`` for anything else.
  @discardableResult
  func await(_ type: FrameType, _ clause: String) throws -> Received {
    while true {
      let frame = try receive(type.name, clause)
      try admit(frame)
      if frame.type == type { return frame }
      if frame.type == .error { try takeError(frame, awaited: type.name) }
    }
  }

  /// Checks a frame as every host does, and takes what it says.
  func admit(_ frame: Received) throws {
    do throws(WireError) {
      // That of a host which offers no checkpoints.
      if frame.type != .checkpointAck || !accepted.contains("checkpoint") {
        try machine.receive(frame.type)
      }
      try look(frame)
    } catch { throw Fault(error) }
  }

  private func look(_ frame: Received) throws(WireError) {
    try Bytes.parse(frame.payload) { payload throws(WireError) in
      switch frame.type {
      case .release:
        try ReleaseFrame.parse(payload) { number throws(WireError) in try takeBack(number) }
      case .busy: _ = try BusyFrame(parsing: payload)
      case .log: _ = try LogFrame(parsing: payload)
      case .progress: _ = try ProgressFrame(parsing: payload)
      default: break
      }
    }
  }

  /// A slot that comes back is overwritten at once: nobody may look at it any more.
  private func takeBack(_ number: UInt32) throws(WireError) {
    guard let loan = lent.removeValue(forKey: number) else {
      throw .released(number, again: released.contains(number))
    }
    released.insert(number)
    guard loan.slot >= 0 else { return }
    if setup.isPoisoning { pool?.poison(loan.slot, loan.count) }
    freeSlots.append(loan.slot)
  }

  /// - Throws: ``Refusal`` unless it is about a READ alone.
  func takeError(_ frame: Received, awaited: String) throws {
    let error: ErrorFrame
    do throws(WireError) {
      error = try Bytes.parse(frame.payload) { payload throws(WireError) in
        try ErrorFrame(parsing: payload)
      }
    } catch { throw Fault(error) }
    if error.isFatal { throw Refusal(error: error, awaited: awaited) }
    guard setup.mode != .write else {
      throw Fault("4.5-2", "sent an ERROR about one READ in write mode")
    }
    readErrors.append(error)
  }

  /// HELLO as the setup says.
  func sendHello() throws {
    try send { $0.append(.hello, helloObject) }
  }

  var helloObject: JSONObject {
    var features = setup.features + (setup.hasPool ? ["shm"] : [])
    if bench.needsMap && setup.mode == .write && !features.contains("map") {
      features.append("map")
    }
    features.append("grease-5e1c")
    var hello = Hello(
      features: features, slotCount: UInt32(setup.shape.slotCount),
      slotBytes: UInt32(setup.shape.slotBytes), hostName: "sluice-check", hostVersion: "1")
    hello.versions = setup.versions
    (hello.windowBytes, hello.inflightMax) = (setup.windowBytes, setup.inflight)
    var object = hello.object
    object["grease-0b"] = ["grease-1": [1, nil, "\u{10FFFF}"]]
    for member in setup.helloMembers.members { object[member.name] = member.value }
    return object
  }

  /// HELLO and a sound answer.
  @discardableResult
  func greet() throws -> HelloAck {
    try sendHello()
    return try takeHelloAck()
  }

  func takeHelloAck() throws -> HelloAck {
    let frame = try self.await(.helloAck, "4.2-1")
    let ack: HelloAck
    do throws(WireError) { ack = try HelloAck(parsing: frame.payload) } catch { throw Fault(error) }
    let offered = helloObject["features"]?.array?.compactMap(\.string) ?? []
    for feature in ack.features where !offered.contains(feature) {
      throw Fault("4.2-3", "HELLO_ACK accepts \"\(feature)\", which was not offered")
    }
    if let odd = ack.features.first(where: { $0.hasPrefix("grease-") }) {
      throw Fault("17.4-3", "HELLO_ACK accepts \"\(odd)\", which means nothing")
    }
    guard ack.version == 1 else { throw Fault("4.2-2", "HELLO_ACK has version \(ack.version)") }
    let manifest = bench.plugin.manifest
    guard ack.plugin == manifest.name, ack.pluginVersion == manifest.version else {
      throw Fault(
        "2.3-4",
        "HELLO_ACK says \(ack.plugin) \(ack.pluginVersion), the manifest "
          + "\(manifest.name) \(manifest.version)")
    }
    if bench.needsMap, setup.mode == .write, !ack.accepts(.map) {
      throw Fault("11-4", "the manifest needs the map, and HELLO_ACK does not accept it")
    }
    accepted = ack.features
    return ack
  }

  /// JOB as the setup says.
  func jobObject(_ contents: [Content], parent: ParentBackup? = nil) -> JSONObject {
    var job = Job(
      id: "6f9e2a41d00dfeed6f9e2a41d00dfeed", mode: setup.mode, format: bench.format.name,
      vm: Job.Machine(id: "101", name: "check"), instant: Timestamp("2026-01-31T20:00:00Z"),
      output: kind, options: setup.options, streams: contents.map(\.stream), scratch: scratch)
    job.salvages = setup.salvages
    if let parent { (job.level, job.parent) = (.incremental, parent) }
    var object = job.object
    object["grease-c4"] = nil as JSONValue?
    object["grease-c5"] = [["deep": [[]]], -1, false]
    for member in setup.jobMembers.members { object[member.name] = member.value }
    return object
  }

  /// JOB and its answer.
  @discardableResult
  func start(_ contents: [Content], parent: ParentBackup? = nil) throws -> JobAck {
    try send { $0.append(.job, jobObject(contents, parent: parent)) }
    let frame = try self.await(.jobAck, "4.3-1")
    do throws(WireError) {
      return try JobAck(parsing: frame.payload, mode: setup.mode)
    } catch { throw Fault(error) }
  }
}
