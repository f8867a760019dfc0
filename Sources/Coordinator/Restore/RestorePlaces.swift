internal import BackupProtocol
internal import Glibc
internal import PluginHost
internal import Pump
internal import SharedPool
internal import System

/// The targets of a restore: disks with paths of their own, and a directory for everything else.
///
/// The directory is published when all of it is complete, a disk with its own path as soon as that
/// disk is verified. Used by the thread of the lane.
final class RestorePlaces {
  private let request: RestoreRequest
  private let events: EventSink
  private let directory: StagingPlace?
  private var disks: [String: any DiskPlace] = [:]
  /// Streams of the archive, once known.
  private var streams: [StreamDescription] = []
  /// Streams that have come.
  private var cameCount = 0
  /// Disks that have come, and that no receipt proves.
  private var waiting: [String] = []
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
      throw JobError(error, cannot: "create \(request.directory ?? "")")
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
        throw JobError(.usage, doing: "", "--disk \(disk.name) is given twice")
      }
      guard paths.firstIndex(of: paths[index]) == index else {
        throw JobError(.usage, doing: "", "two disks would be restored to \(disk.path)")
      }
      guard !request.skipped.contains(disk.name) else {
        throw JobError(.usage, doing: "", "disk \"\(disk.name)\" is in both --disk and --skip")
      }
    }
  }

  /// A raw disk is not given the suffix of another format unless the user says that it is raw.
  private static func checkSuffix(_ disk: RestoreRequest.Disk) throws(JobError) {
    guard let suffix = disk.foreignSuffix else { return }
    throw JobError(
      .usage, doing: "", "\(disk.path) would be written as raw despite its suffix .\(suffix)",
      hint: "add format=raw or format=qcow2, or convert it afterwards with qemu-img convert")
  }

  /// A canonical path, without links, also if its last component does not exist yet.
  private static func canonical(_ path: String) -> String {
    if let found = try? realPath(path) { return found }
    let (directory, name) = splitPath(path)
    return ((try? realPath(directory)) ?? directory) + "/" + name
  }

  /// Compares the archive's contents with the request, and prepares every target.
  func accept(_ streams: [StreamDescription]) throws(LaneFailure) {
    try checkKnown(streams)
    try checkPlaces(streams)
    self.streams = choose(streams)
    let left = streams.filter { $0.kind == .config && directory == nil && !isSkipped($0) }
    if !left.isEmpty {
      events(
        .warning("skipped (no --to DIR): " + left.map(\.name).joined(separator: ", ")))
    }
    for stream in self.streams {
      try keeping { () throws(JobError) in
        try disks[stream.name]?.prepare(size: stream.size ?? 0)
      }
    }
  }

  /// Names that the archive does not contain are usage errors.
  private func checkKnown(_ streams: [StreamDescription]) throws(LaneFailure) {
    for name in request.disks.map(\.name) + request.skipped {
      guard let stream = streams.first(where: { $0.name == name }) else {
        let known = streams.map(\.name).joined(separator: ", ")
        throw .request("\"\(name)\" is not in the archive", hint: "it contains: \(known)")
      }
      if disks[name] != nil && stream.kind != .disk {
        throw .request("\"\(name)\" is not a disk", hint: "--disk is for disks only")
      }
    }
  }

  private func checkPlaces(_ streams: [StreamDescription]) throws(LaneFailure) {
    var files: Set<String> = []
    for stream in streams where !isSkipped(stream) && disks[stream.name] == nil {
      if directory == nil && stream.kind != .config {
        throw .request(
          "no target for \"\(stream.name)\"",
          hint: "add --disk \(stream.name)=PATH, --skip \(stream.name), or --to DIR")
      }
      guard Self.fileName(stream).utf8.count <= Limits.nameBytesMax else {
        throw .request(
          "the file name of \"\(stream.name.prefix(40))…\" would exceed "
            + "\(Limits.nameBytesMax) bytes", hint: "choose a path with --disk NAME=PATH")
      }
      guard files.insert(Self.fileName(stream)).inserted else {
        throw .archive(stream: stream.name, "would be restored to the same file as another one")
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

  /// The stream is complete.
  ///
  /// - Parameter isProven: The receipt verified it. Otherwise it waits for the archive's end.
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

  /// Everything is complete and the plugin reports success: publishes what waited, and the
  /// directory.
  func publish() throws(JobError) {
    for name in waiting { try publish(name) }
    guard let directory, let target = request.directory else { return }
    let stored = directory.storedBytes()
    do throws(PublishingError) { try directory.publish() } catch {
      throw JobError(error, cannot: "publish \(target)")
    }
    directory.tellIfMoved(events)
    outputs.append(OutputReport(label: "raw", path: target, storedBytes: UInt64(stored)))
    events(.published(label: "raw", path: target))
  }

  /// The restore has failed: keeps disks that waited for the archive's end, unless the archive was
  /// read to its end, or an existing file would be replaced.
  func salvage() {
    guard cameCount < streams.count else { return }
    for name in waiting where disks[name]?.isNew == true {
      if (try? publish(name)) != nil { salvaged.append(name) }
    }
  }

  /// The restore has failed: reports which disks are complete, and which targets are incomplete.
  func tellWhatIsLeft() {
    for stream in streams {
      guard let disk = disks[stream.name] else { continue }
      if salvaged.contains(stream.name) {
        events(
          .warning("disk \(stream.name) is complete but not verified: \(disk.path)"))
      } else if disk.isPublished {
        events(.warning("disk \(stream.name) is complete: \(disk.path)"))
      } else if disk.isSpoilt && waiting.contains(stream.name) {
        events(.warning("\(disk.path) contains disk \(stream.name) unverified: do not trust it"))
      } else if disk.isSpoilt {
        events(.warning("\(disk.path) is incomplete: it contains only part of disk \(stream.name)"))
      } else {
        events(.warning("disk \(stream.name) was not restored"))
      }
    }
    if request.directory != nil && !streams.isEmpty && directory?.isPublished != true {
      events(.warning("\(request.directory ?? "") was not created"))
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
      throw .target(error.sentence)
    }
  }
}
