internal import ArchiveJobs
internal import BackupProtocol
internal import Glibc
internal import JobSupport
internal import PluginHost
internal import Pump
internal import Requests
internal import SharedPool
internal import System

/// The targets of a restore: disks with paths of their own, and a directory for everything else.
///
/// The directory is published when all of it is complete, a disk with its own path as soon as that
/// disk is verified. Used by the thread of the lane.
package final class RestorePlaces {
  let request: RestoreRequest
  let events: EventSink
  let directory: StagingPlace?
  /// What a stream was to the backup.
  private let role: (StreamDescription) -> String
  /// Scripts that start the machine, in the directory.
  private(set) var scripts = MachineScripts.Written()
  private(set) var disks: [String: any DiskPlace] = [:]
  /// Streams of the archive, once known.
  private(set) var streams: [StreamDescription] = []
  /// Streams that have come.
  private var cameCount = 0
  /// Disks that have come, and that no receipt proves.
  private var waiting: [String] = []
  /// Streams that have come, and that nothing has proven.
  private(set) var unproven: [StreamDescription] = []
  /// Streams of which a part could not be read, in the order in which they came.
  var damaged: [StreamDescription] = []
  private var salvaged: [String] = []
  private(set) var outputs: [OutputReport] = []
  /// Why a place could not be had, where a lane's failure says too little.
  private(set) var failure: JobError?

  /// Checks every target; creates only the directory that will be renamed.
  init(
    _ request: RestoreRequest, of archive: Archive, _ surroundings: Surroundings, id: String,
    stop: StopSignal
  ) throws(JobError) {
    self.request = request
    events = surroundings.events
    role = { archive.role(of: $0) }
    try Self.checkNames(request)
    let guarded = ArchiveGuard(archive)
    for path in request.disks.map(\.path) + [request.directory].compactMap(\.self) {
      try guarded.refuse(path)
    }
    for disk in request.disks {
      let resolved = try? realPath(disk.path)
      if let resolved, (try? FileStatus(path: resolved))?.kind == .blockDevice {
        disks[disk.name] = try DevicePlace(disk, resolved: resolved, request, stop: stop)
      } else {
        try requested { () throws(RequestError) in try disk.requireOwnSuffix() }
        disks[disk.name] = try FilePlace(disk, request, surroundings, id: id)
      }
    }
    do throws(PublishingError) {
      directory = try request.directory.map { target throws(PublishingError) in
        try StagingPlace(target: target, kind: .directory, id: id)
      }
    } catch {
      throw JobError(error, cannot: "create \(request.directory ?? "")")
    }
    directory?.tellIfLeft(events)
    directory?.warnIfShared(events)
    if request.allocation == .preallocate { try directory?.requireReservation() }
  }

  private static func checkNames(_ request: RestoreRequest) throws(JobError) {
    try requested { () throws(RequestError) in try request.validate() }
    var paths: Set<String> = []
    for disk in request.disks where !paths.insert(canonical(disk.path)).inserted {
      throw JobError(.usage, "two disks would be restored to \(disk.path)")
    }
  }

  /// A canonical path, without links, also if its last component does not exist yet.
  private static func canonical(_ path: String) -> String {
    if let found = try? realPath(path) { return found }
    let (directory, name) = splitPath(path)
    return ((try? realPath(directory)) ?? directory) + "/" + name
  }

  /// Compares the archive's contents with the request, and prepares every target.
  func accept(_ streams: [StreamDescription]) throws(LaneFailure) {
    try keeping { () throws(JobError) in
      try checkKnown(streams)
      try checkPlaces(streams)
    }
    self.streams = choose(streams)
    let left = streams.filter { stream in
      stream.kind != .disk && directory == nil && disks[stream.name] == nil && !isSkipped(stream)
    }
    if !left.isEmpty {
      events(
        .warning("skipped (no --to DIR): " + left.map(\.name).joined(separator: ", ")))
    }
    for stream in self.streams {
      let size = try stream.knownSize()
      try keeping { () throws(JobError) in try disks[stream.name]?.prepare(size: size) }
    }
  }

  /// Names that the archive does not contain are usage errors.
  private func checkKnown(_ streams: [StreamDescription]) throws(JobError) {
    for name in request.disks.map(\.name) + request.skipped {
      guard let stream = streams.first(where: { $0.name == name }) else {
        let known = streams.map(\.name).joined(separator: ", ")
        throw JobError(
          .usage, "\"\(name)\" is not in the archive", hint: "it contains: \(known)")
      }
      if let place = disks[name] { try checkFits(stream, place) }
    }
  }

  /// The state of a machine is a sequence of bytes and no disk: it goes into a file as it is.
  private func checkFits(
    _ stream: StreamDescription, _ place: any DiskPlace
  ) throws(JobError) {
    switch stream.kind {
    case .disk: return
    case .config:
      throw JobError(.usage, "\"\(stream.name)\" is not a disk", hint: .restoreDisksOnly)
    case .vmstate:
      guard !place.holdsPlainBytes else { return }
      throw JobError(
        .usage,
        "\"\(stream.name)\" is the state of a running machine, which is restored to a plain file, "
          + "not to \(place.path)", hint: .choosePath)
    }
  }

  private func checkPlaces(_ streams: [StreamDescription]) throws(JobError) {
    let placed = streams.filter { !isSkipped($0) && disks[$0.name] == nil }
    var marked: Set<String> = []
    for stream in placed {
      if directory == nil && stream.kind == .disk {
        throw JobError(
          .usage, "no target for \"\(stream.name)\"", hint: .placeDisk(stream.name))
      }
      let suffix = request.keepsDamaged ? IncompleteName.suffix : ""
      guard (RestoredFile.name(stream) + suffix).utf8.count <= Limits.nameBytesMax else {
        throw JobError(
          .usage,
          "the file name of \"\(stream.name.prefix(40))…\" would exceed "
            + "\(Limits.nameBytesMax) bytes", hint: .choosePath)
      }
      // What is incomplete needs a name that nothing else has.
      if request.keepsDamaged { marked.insert(RestoredFile.name(stream) + suffix) }
    }
    if let stream = placed.first(where: { marked.contains(RestoredFile.name($0)) }) {
      throw JobError(
        LaneFailure.archive(
          stream: stream.name, "would be restored to the same file as another one"))
    }
    if directory != nil, let clash = RestoredFile.clash(placed) {
      throw JobError(.usage, clash.words, hint: clash.remedy)
    }
  }

  /// What is read of the archive.
  func choose(_ streams: [StreamDescription]) -> [StreamDescription] {
    streams.filter { stream in
      !isSkipped(stream) && (directory != nil || disks[stream.name] != nil)
    }
  }

  private func isSkipped(_ stream: StreamDescription) -> Bool {
    request.skipped.contains(stream.name)
  }

  func target(
    _ stream: StreamDescription, _ memory: SharedPool
  ) throws(LaneFailure) -> (any ReadTarget)? {
    if let disk = disks[stream.name] {
      return try keeping { () throws(JobError) in try disk.target(memory) }
    }
    guard let directory else { return nil }
    return try FileTarget(
      name: RestoredFile.name(stream), in: directory.descriptor, size: try stream.knownSize(),
      reserves: request.allocation == .preallocate)
  }

  /// The stream is complete.
  ///
  /// - Parameter isProven: The receipt verified it. Otherwise it waits for the archive's end.
  func hasCome(_ stream: StreamDescription, isProven: Bool) throws(LaneFailure) {
    cameCount += 1
    if !isProven { unproven.append(stream) }
    guard disks[stream.name] != nil else { return }
    guard isProven else { return waiting.append(stream.name) }
    try keeping { () throws(JobError) in try publish(stream.name) }
  }

  func publish(_ name: String) throws(JobError) {
    guard let disk = disks[name] else { return }
    try disk.publish()
    outputs.append(OutputReport(label: name, path: disk.path, storedBytes: disk.storedBytes))
    let isDamaged = damaged.contains { $0.name == name }
    events(
      isDamaged
        ? .incomplete(label: name, path: disk.path) : .published(label: name, path: disk.path))
  }

  /// Everything is complete and the plugin reports success: publishes what waited, and the
  /// directory.
  func publish() throws(JobError) {
    for name in waiting { try publish(name) }
    guard let directory, let target = request.directory else { return }
    let isDamaged = try markIncompleteFiles(in: directory)
    // A machine is started from disks that are whole.
    if damaged.isEmpty { try writeScripts(in: directory) }
    let stored = directory.storedBytes()
    do throws(PublishingError) { try directory.publish() } catch {
      throw JobError(error, cannot: "publish \(target)")
    }
    directory.tellIfMoved(events)
    outputs.append(OutputReport(label: "raw", path: target, storedBytes: UInt64(stored)))
    events(
      isDamaged ? .incomplete(label: "raw", path: target) : .published(label: "raw", path: target))
  }

  private func writeScripts(in directory: StagingPlace) throws(JobError) {
    let writer = MachineScripts(
      streams: streams, role: role, disks: disks, request: request, events: events)
    scripts = try writer.write(in: directory.descriptor)
    directory.programs = scripts.names
  }

  /// The restore has failed: keeps disks that waited for the archive's end, unless the archive was
  /// read to its end, or an existing file would be replaced.
  func salvage() {
    guard cameCount < streams.count else { return }
    for name in waiting where disks[name]?.isNew == true {
      if (try? publish(name)) != nil { salvaged.append(name) }
    }
  }

  /// What a stream with a place of its own is called.
  private func words(_ stream: StreamDescription) -> String {
    stream.kind == .disk ? "disk \(stream.name)" : stream.name
  }

  /// The restore has failed: reports which disks are complete, and which targets are incomplete.
  func tellWhatIsLeft() {
    for stream in streams {
      guard let disk = disks[stream.name] else { continue }
      if salvaged.contains(stream.name) {
        events(
          .warning("\(words(stream)) is complete but not verified: \(disk.path)"))
      } else if disk.isPublished {
        let isDamaged = damaged.contains { $0.name == stream.name }
        let state = isDamaged ? "incomplete" : "complete"
        events(.warning("\(words(stream)) is \(state): \(disk.path)"))
      } else if disk.isSpoilt && waiting.contains(stream.name) {
        events(.warning("\(disk.path) contains \(words(stream)) unverified: do not trust it"))
      } else if disk.isSpoilt {
        events(.warning("\(disk.path) is incomplete: it contains only part of \(words(stream))"))
      } else {
        events(.warning("\(words(stream)) was not restored"))
      }
    }
    if request.directory != nil && !streams.isEmpty && directory?.isPublished != true {
      events(.warning("\(request.directory ?? "") was not created"))
    }
  }

  /// Keeps a job's error, of which a lane can only tell the text.
  func keeping<Value>(
    _ body: () throws(JobError) -> Value
  ) throws(LaneFailure) -> Value {
    do throws(JobError) { return try body() } catch {
      failure = error
      throw .target(error.description)
    }
  }
}
