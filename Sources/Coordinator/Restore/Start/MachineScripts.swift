internal import ArchiveJobs
internal import BackupProtocol
internal import Glibc
internal import JSON
internal import JobSupport
internal import MachineStart
internal import QEMUControl
internal import Requests
internal import System

/// Writes the scripts that start a machine beside its restored disks.
struct MachineScripts {
  /// What was restored.
  let streams: [StreamDescription]
  let role: (StreamDescription) -> String
  /// Disks with places of their own.
  let disks: [String: any DiskPlace]
  let request: RestoreRequest
  let events: EventSink

  /// The role of a machine's description.
  static let role = "qemu-machine"
  /// Bytes of a description that are read.
  static let bytesMax = 16 << 20

  /// What was written.
  struct Written {
    var kinds: [StartScript.Kind] = []
    /// Whether the guest ran when it was backed up.
    var ran = true
    var names: Set<String> { Set(kinds.map(\.rawValue)) }
  }

  /// - Parameter directory: What will be published, with all its streams in it.
  /// - Returns: The scripts that it has now; none if the archive does not describe a machine.
  func write(in directory: Int32) throws(JobError) -> Written {
    let described = streams.first { $0.kind == .config && role($0) == Self.role }
    guard let described else { return Written() }
    guard let record = record(described, in: directory) else { return Written() }
    let memory = try? FileStatus(path: StartScript.memoryName, in: directory)
    let hasMemory = memory != nil && streams.contains { $0.kind == .vmstate }
    var written = Written(ran: record.ran)
    for kind in hasMemory ? StartScript.Kind.allCases : [.start] {
      if try write(kind, record, hasMemory: hasMemory, in: directory) { written.kinds.append(kind) }
    }
    return written
  }

  private func record(_ stream: StreamDescription, in directory: Int32) -> MachineRecord? {
    let name = RestoredFile.name(stream)
    do {
      let bytes = try readSmallFile(name, in: directory, limit: Self.bytesMax, flags: O_NOFOLLOW)
      return MachineRecord(facts: try JSONValue(parsingLeniently: bytes, depthMax: 64))
    } catch {
      events(.warning("there is no script that starts the machine: \(name): \(error)"))
      return nil
    }
  }

  private func write(
    _ kind: StartScript.Kind, _ record: MachineRecord, hasMemory: Bool, in directory: Int32
  ) throws(JobError) -> Bool {
    let script: StartScript
    do throws(StartError) {
      script = try StartScript(
        kind, of: record, restoredDisks(), hasMemory: hasMemory,
        isTrusted: request.trustsCommandLine)
    } catch {
      events(.warning("there is no script that starts the machine: \(error)"))
      return false
    }
    guard try save(script.text, as: kind.rawValue, in: directory) else { return false }
    tell(script, kind, record)
    return true
  }

  private func restoredDisks() -> [RestoredDisk] {
    streams.filter { $0.kind == .disk }.map { stream in
      guard let place = disks[stream.name] else {
        return RestoredDisk(
          stream: stream.name, file: .beside(RestoredFile.name(stream)), format: .raw)
      }
      let format = request.disks.first { $0.name == stream.name }?.format
      let isDevice = place is DevicePlace
      return RestoredDisk(
        stream: stream.name, file: .path((try? realPath(place.path)) ?? absolutePath(place.path)),
        format: format == .qcow2 && !isDevice ? .qcow2 : .raw)
    }
  }

  /// - Returns: Whether the name was free.
  private func save(
    _ text: String, as name: String, in directory: Int32
  ) throws(JobError) -> Bool {
    do throws(SystemCallError) {
      let file = try openFile(
        name, in: directory, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o700)
      try file.writeAll(nameBytes(text), subject: name)
      return true
    } catch {
      guard error.code == EEXIST else { throw JobError(error, cannot: "write the script \(name)") }
      events(
        .warning("there is no script \(name): the archive has a file of that name"))
      return false
    }
  }

  /// Things that a warning names; all of them are in the script.
  private static let namedMax = 20

  private static func shortened(_ things: [String]) -> String {
    let more = things.count > namedMax ? ["and \(things.count - namedMax) more"] : []
    return (things.prefix(namedMax) + more).joined(separator: "; ")
  }

  private func tell(_ script: StartScript, _ kind: StartScript.Kind, _ record: MachineRecord) {
    let path = "\(request.directory ?? "")/\(kind)"
    events(
      .guest(
        GuestStep(
          "script", "\(path) starts the machine",
          [
            "path": .string(absolutePath(path)), "draft": .bool(script.isDraft),
            "left_out": JSONValue(script.leftOut),
          ])))
    for stop in script.stops { events(.warning("\(path) has to be changed by hand: \(stop)")) }
    if script.isDraft {
      let reason = record.facts["command-line"]?["absent"]?.string ?? "it is an older backup"
      events(
        .warning(
          "\(path) is a draft: QEMU's command line is not in the archive: \(cleaned(reason))"))
    }
    if !script.leftOut.isEmpty {
      events(
        .warning(
          "\(path) does without what could harm this host: "
            + Self.shortened(script.leftOut),
          script.isDraft ? nil : .trustCommandLine))
    }
  }
}
