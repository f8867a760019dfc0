internal import BackupProtocol
internal import BlockSource
internal import CLinux
internal import Glibc
internal import JobSupport
internal import PluginHost
internal import Pump
internal import QEMUControl
internal import Requests
internal import SharedPool
internal import System

/// An image file to be created: it appears, or replaces an older one, when the disk is complete.
final class FilePlace: DiskPlace {
  private(set) var path: String
  let isNew: Bool
  var holdsPlainBytes: Bool { format == .raw }
  private var isIncomplete = false
  private let format: RestoreRequest.Disk.Format
  private let request: RestoreRequest
  private let surroundings: Surroundings
  private let id: String
  /// Of the file that will be replaced.
  private let access: FileAccess?
  private var size: UInt64 = 0
  private var staging: StagingPlace?

  /// Checks that the name is free, or may be replaced.
  init(
    _ disk: RestoreRequest.Disk, _ request: RestoreRequest, _ surroundings: Surroundings, id: String
  ) throws(JobError) {
    path = disk.path
    format = disk.format
    self.request = request
    self.surroundings = surroundings
    self.id = id
    try FileUse.refuseAmongDevices(path)
    if request.keepsDamaged { try Self.refuseIncomplete(path) }
    let status = try? FileStatus(path: path)
    isNew = status == nil
    access = status.map(FileAccess.init(of:))
    guard let status else { return }
    guard request.overwrites else {
      throw JobError(
        .cannotCreate, cannot: "restore to \(path)", "already exists",
        hint: .overwrite(isDevice: false))
    }
    guard status.kind == .regular else {
      throw JobError(
        .cannotCreate, cannot: "restore to \(path)", "neither a file nor a block device")
    }
    try FileUse.refuseUsed(path)
  }

  /// What an earlier salvage has left may be all that there is of a disk.
  private static func refuseIncomplete(_ path: String) throws(JobError) {
    let other = path + IncompleteName.suffix
    guard (try? FileStatus(path: other)) != nil else { return }
    throw JobError(
      .cannotCreate, cannot: "restore to \(path)", "\(other) already exists",
      hint: "remove it, or choose another path")
  }

  /// Bytes of the image's disk: QEMU counts sectors.
  private var imageBytes: UInt64 { (size + 511) & ~511 }

  func prepare(size: UInt64) throws(JobError) {
    self.size = size
    let preparing = "create \(path)"
    let staging: StagingPlace
    do throws(PublishingError) {
      staging = try StagingPlace(
        target: path, kind: .file, id: id, replaces: request.overwrites)
    } catch {
      throw JobError(error, cannot: preparing)
    }
    staging.tellIfLeft(surroundings.events)
    staging.warnIfShared(surroundings.events)
    if request.allocation == .preallocate { try staging.requireReservation() }
    try attempt(preparing) { () throws(SystemCallError) in
      let file = try staging.descriptorForPlugin()
      switch format {
      case .raw: try check(clinux_ftruncate(file.raw, Int64(size)), .ftruncate, path)
      case .qcow2:
        try EmptyImage(size: Int64(imageBytes)).write(to: file, subject: path)
      }
      // Of a qcow2 this is room behind its end, which QEMU then grows into.
      if request.allocation == .preallocate && size > 0 {
        try check(clinux_reserve(file.raw, 0, Int64(imageBytes)), .fallocate, path)
      }
    }
    self.staging = staging
  }

  func target(_ memory: SharedPool) throws(JobError) -> any ReadTarget {
    guard let staging else { throw JobError(.software, "\(path) was not prepared") }
    let opening = "open \(path)"
    switch format {
    case .raw:
      return FileTarget(
        try attempt(opening) { () throws(SystemCallError) in try staging.descriptorForPlugin() },
        name: path)
    case .qcow2:
      let staged = try attempt(opening) { () throws(SystemCallError) in try staging.path() }
      let file = try attempt(opening) { () throws(SystemCallError) in
        try staging.descriptorForPlugin()
      }
      do throws(SourceError) {
        return ImageTarget(
          try WritableImage(
            file, path: staged, size: imageBytes, memory: memory, launcher: surroundings.launcher,
            mode: surroundings.sandbox), size: size, memory: memory)
      } catch {
        throw JobError(error, cannot: opening)
      }
    }
  }

  func markIncomplete() {
    isIncomplete = true
    staging?.suffix = IncompleteName.suffix
    path += IncompleteName.suffix
  }

  func publish() throws(JobError) {
    let access = isIncomplete ? nil : access
    do throws(PublishingError) { try staging?.publish(access: access) } catch {
      throw JobError(error, cannot: "publish \(path)")
    }
    staging?.tellIfMoved(surroundings.events)
    tellIfLessAccessible()
  }

  /// Tells who loses access by the replacement, or gains it.
  private func tellIfLessAccessible() {
    guard !isIncomplete, let access, let now = try? FileStatus(path: path) else { return }
    let given = FileAccess(of: now)
    guard given != access else { return }
    surroundings.events(
      .warning(
        "\(path) has \(given); the file that it replaced had \(access), which could not be kept",
        "change them with chown and chmod"))
  }

  var isPublished: Bool { staging?.isPublished ?? false }

  var storedBytes: UInt64 { UInt64(clamping: staging?.storedBytes() ?? 0) }

  /// The staging file goes with its owner.
  let isSpoilt = false
}
