internal import BackupProtocol
internal import Glibc
internal import PluginHost
internal import Pump
internal import SharedPool
internal import System

/// Where everything of an archive goes: disks with places of their own, the rest into a directory.
///
/// The directory appears when all of it is right; a disk with its own place as soon as that disk
/// is known to be. Used by the thread of the lane.
final class RestorePlaces {
  private let request: RestoreRequest
  private let events: EventSink
  private let directory: StagingPlace?
  private var disks: [String: any DiskPlace] = [:]
  /// Streams that the archive holds, once it has told.
  private var streams: [StreamDescription] = []
  /// Streams that have come.
  private var cameCount = 0
  /// Disks that have come, and that no receipt proves.
  private var waiting: [String] = []
  private var salvaged: [String] = []
  private(set) var outputs: [OutputReport] = []
  /// Why a place could not be had, where a lane's failure says too little.
  private(set) var failure: JobError?

  /// Looks at every place; makes nothing but the directory that will be renamed.
  init(
    _ request: RestoreRequest, of archive: Archive, _ surroundings: Surroundings, id: String,
    stop: StopSignal
  ) throws(JobError) {
    self.request = request
    events = surroundings.events
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
        try Self.checkSuffix(disk)
        disks[disk.name] = try FilePlace(disk, request, surroundings, id: id)
      }
    }
    do throws(PublishingError) {
      directory = try request.directory.map { target throws(PublishingError) in
        try StagingPlace(target: target, kind: .directory, id: id)
      }
    } catch {
      throw JobError(error, doing: "preparing \(request.directory ?? "")")
    }
    directory?.tellIfLeft(events)
    directory?.warnIfShared(events)
    if request.allocation == .preallocate { try directory?.requireReservation() }
  }

  private static func checkNames(_ request: RestoreRequest) throws(JobError) {
    let names = request.disks.map(\.name)
    let paths = request.disks.map { canonical($0.path) }
    for (index, disk) in request.disks.enumerated() {
      guard names.firstIndex(of: disk.name) == index else {
        throw JobError(.usage, doing: "", "two places for the disk \"\(disk.name)\"")
      }
      guard paths.firstIndex(of: paths[index]) == index else {
        throw JobError(.usage, doing: "", "two disks for \(disk.path)")
      }
      guard !request.skipped.contains(disk.name) else {
        throw JobError(.usage, doing: "", "the disk \"\(disk.name)\" has a place and is skipped")
      }
    }
  }

  /// A raw disk is not given the suffix of another format unless the user says that it is raw.
  private static func checkSuffix(_ disk: RestoreRequest.Disk) throws(JobError) {
    guard let suffix = disk.foreignSuffix else { return }
    throw JobError(
      .usage, doing: "", "\(disk.path) would be a raw disk in spite of its suffix .\(suffix)",
      hint: "add format=raw or format=qcow2, or make it with qemu-img convert afterwards")
  }

  /// A path by which two names of one place are told: without links, also if the last part of it
  /// is yet to be made.
  private static func canonical(_ path: String) -> String {
    if let found = try? realPath(path) { return found }
    let (directory, name) = splitPath(path)
    return ((try? realPath(directory)) ?? directory) + "/" + name
  }

  /// Holds what the archive holds against what was asked for, and takes every place.
  func accept(_ streams: [StreamDescription]) throws(LaneFailure) {
    try checkKnown(streams)
    try checkPlaces(streams)
    self.streams = choose(streams)
    let left = streams.filter { $0.kind == .config && directory == nil && !isSkipped($0) }
    if !left.isEmpty {
      events(
        .warning("not restored, for want of --to DIR: " + left.map(\.name).joined(separator: ", ")))
    }
    for stream in self.streams {
      try keeping { () throws(JobError) in
        try disks[stream.name]?.prepare(size: stream.size ?? 0)
      }
    }
  }

  /// Names are those of the archive, or the command line is wrong.
  private func checkKnown(_ streams: [StreamDescription]) throws(LaneFailure) {
    for name in request.disks.map(\.name) + request.skipped {
      guard let stream = streams.first(where: { $0.name == name }) else {
        let known = streams.map(\.name).joined(separator: ", ")
        throw .request("the archive holds no \"\(name)\"", hint: "it holds: \(known)")
      }
      if disks[name] != nil && stream.kind != .disk {
        throw .request("\"\(name)\" is no disk: it cannot have a place of its own", hint: nil)
      }
    }
  }

  private func checkPlaces(_ streams: [StreamDescription]) throws(LaneFailure) {
    var files: Set<String> = []
    for stream in streams where !isSkipped(stream) && disks[stream.name] == nil {
      if directory == nil && stream.kind != .config {
        throw .request(
          "there is no place for \"\(stream.name)\"",
          hint: "add --disk \(stream.name)=PATH, --skip \(stream.name), or --to DIR")
      }
      guard Self.fileName(stream).utf8.count <= Limits.nameBytesMax else {
        throw .request(
          "\"\(stream.name.prefix(40))…\" would be a file with a name of more than "
            + "\(Limits.nameBytesMax) bytes", hint: "--disk NAME=PATH gives it a place of its own")
      }
      guard files.insert(Self.fileName(stream)).inserted else {
        throw .archive(stream: stream.name, "would be restored to the same file as another")
      }
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
      name: Self.fileName(stream), in: directory.descriptor, size: stream.size ?? 0,
      reserves: request.allocation == .preallocate)
  }

  /// The stream has come whole.
  ///
  /// - Parameter isProven: It is what the receipt says. Otherwise it waits for the archive's end.
  func hasCome(_ stream: StreamDescription, isProven: Bool) throws(LaneFailure) {
    cameCount += 1
    guard disks[stream.name] != nil else { return }
    guard isProven else { return waiting.append(stream.name) }
    try keeping { () throws(JobError) in try publish(stream.name) }
  }

  private func publish(_ name: String) throws(JobError) {
    guard let disk = disks[name] else { return }
    try disk.publish()
    outputs.append(OutputReport(label: name, path: disk.path, storedBytes: disk.storedBytes))
    events(.published(label: name, path: disk.path))
  }

  /// Everything has come and the plugin is content: what waited, and the directory, get their
  /// names.
  func publish() throws(JobError) {
    for name in waiting { try publish(name) }
    guard let directory, let target = request.directory else { return }
    let stored = directory.storedBytes()
    do throws(PublishingError) { try directory.publish() } catch {
      throw JobError(error, doing: "publishing \(target)")
    }
    directory.tellIfMoved(events)
    outputs.append(OutputReport(label: "raw", path: target, storedBytes: UInt64(stored)))
    events(.published(label: "raw", path: target))
  }

  /// The restore has failed: keeps what waited for the archive's end, unless it is that end which
  /// tells against it, or something else would have to go for it.
  func salvage() {
    guard cameCount < streams.count else { return }
    for name in waiting where disks[name]?.isNew == true {
      if (try? publish(name)) != nil { salvaged.append(name) }
    }
  }

  /// The restore has failed: says what of it is whole, and what is left where it cannot be removed.
  func tellWhatIsLeft() {
    for stream in streams {
      guard let disk = disks[stream.name] else { continue }
      if salvaged.contains(stream.name) {
        events(
          .warning("disk \(stream.name) came to its end, but nothing proves it: \(disk.path)"))
      } else if disk.isPublished {
        events(.warning("disk \(stream.name) is whole: \(disk.path)"))
      } else if disk.isSpoilt && waiting.contains(stream.name) {
        events(.warning("\(disk.path) holds disk \(stream.name) as it came: do not trust it"))
      } else if disk.isSpoilt {
        events(.warning("\(disk.path) holds a part of disk \(stream.name): it is incomplete"))
      } else {
        events(.warning("disk \(stream.name) was not restored"))
      }
    }
    if request.directory != nil && !streams.isEmpty && directory?.isPublished != true {
      events(.warning("\(request.directory ?? "") was not made"))
    }
  }

  /// Bytes of a disk's name whose file has a name that a file system takes.
  static let diskNameBytesMax = Limits.nameBytesMax - ".raw".utf8.count

  /// A disk is `NAME.raw`, everything else keeps its name. Names were checked when they came in.
  private static func fileName(_ stream: StreamDescription) -> String {
    stream.kind == .disk ? stream.name + ".raw" : stream.name
  }

  /// Keeps a job's error, of which a lane can only tell the text.
  private func keeping<Value>(
    _ body: () throws(JobError) -> Value
  ) throws(LaneFailure) -> Value {
    do throws(JobError) { return try body() } catch {
      failure = error
      throw .target(error.message)
    }
  }
}
