internal import BackupProtocol
internal import CLinux
internal import Glibc
internal import JobSupport
internal import Pump
internal import Requests
internal import SharedPool
internal import System

/// A block device that a disk is restored to. There is no staging: its contents are lost with the
/// first byte.
final class DevicePlace: DiskPlace {
  let path: String
  let holdsPlainBytes = false
  let isNew = false
  private let allocation: RestoreRequest.Allocation
  private let stop: StopSignal
  private var device: OwnedDescriptor?
  private var size: UInt64 = 0
  private(set) var isSpoilt = false
  private(set) var isPublished = false
  private var isIncomplete = false

  /// Checks the device; `resolved` is its path without symbolic links.
  init(
    _ disk: RestoreRequest.Disk, resolved: String, _ request: RestoreRequest, stop: StopSignal
  ) throws(JobError) {
    self.stop = stop
    path = disk.path
    allocation = request.allocation
    guard disk.format == .raw else {
      throw JobError(.usage, "\(path) is a block device: only format=raw is possible")
    }
    guard request.overwrites else {
      throw JobError(
        .cannotCreate, cannot: "restore to \(path)", "it is a block device and may contain data",
        hint: .overwrite(isDevice: true))
    }
    try FileUse.refuseUsed(resolved)
    try Self.refuseReadOnly(resolved, disk.path)
    do throws(SystemCallError) {
      // Exclusively: what is mounted, or a part of another device, is refused.
      device = try openFile(resolved, flags: O_RDWR | O_EXCL)
    } catch {
      guard error.code == EBUSY else { throw JobError(error, cannot: "restore to \(path)") }
      throw JobError(
        .cannotCreate, cannot: "restore to \(path)", "the device is in use",
        hint: "check whether it is mounted or part of another device (lsblk)")
    }
  }

  /// Looked at before it is opened for writing: some devices refuse that, others only the writes.
  private static func refuseReadOnly(_ resolved: String, _ path: String) throws(JobError) {
    let restoring = "restore to \(path)"
    let isReadOnly = try attempt(restoring) { () throws(SystemCallError) in
      let looked = try openFile(resolved, flags: O_RDONLY | O_NONBLOCK)
      return try check(clinux_is_read_only_device(looked.raw), .ioctl, path) != 0
    }
    guard isReadOnly else { return }
    throw JobError(
      .cannotCreate, cannot: restoring, "the device is read-only",
      hint: "check its write protection (blockdev, lsblk), or choose another device")
  }

  func prepare(size: UInt64) throws(JobError) {
    self.size = size
    var bytes: UInt64 = 0
    if let raw = device?.raw {
      _ = try attempt("restore to \(path)") { () throws(SystemCallError) in
        try check(unsafe clinux_block_device_size(raw, &bytes), .ioctl, path)
      }
    }
    guard bytes >= size else {
      throw JobError(
        .cannotCreate, cannot: "restore to \(path)",
        "the device has only \(bytes) bytes, the disk \(size)")
    }
  }

  func target(_ memory: SharedPool) throws(JobError) -> any ReadTarget {
    guard let device = device.take() else {
      throw JobError(.software, "\(path) was already written")
    }
    isSpoilt = true
    let copy = try attempt("open \(path)") { () throws(SystemCallError) in
      try device.duplicate()
    }
    return DeviceTarget(
      device, FileTarget(copy, name: path), name: path, size: size, allocation, stop: stop)
  }

  /// A device has no other name: whoever uses it is told.
  func markIncomplete() { isIncomplete = true }

  func publish() throws(JobError) {
    isSpoilt = isIncomplete
    isPublished = true
  }

  /// All of the disk: a device has no holes that could be counted.
  var storedBytes: UInt64 { size }
}

/// A block device that a stream is written to. What the stream calls zeros is made zeros, whatever
/// was there.
final class DeviceTarget: ReadTarget {
  /// Bytes made zeros in one call: it cannot be interrupted.
  private static let zeroBytesMax: UInt64 = 256 << 20

  private let name: String
  private let stop: StopSignal
  private let device: OwnedDescriptor
  /// Writes what is data, through the same opening.
  private let file: FileTarget
  private let size: UInt64
  /// Whether a device that can give room back is asked to.
  private var givesBack: Bool
  /// Everything before is as the stream says.
  private var position: UInt64 = 0

  init(
    _ device: consuming OwnedDescriptor, _ file: FileTarget, name: String, size: UInt64,
    _ allocation: RestoreRequest.Allocation, stop: StopSignal
  ) {
    self.stop = stop
    self.name = name
    self.size = size
    self.device = device
    self.file = file
    givesBack = allocation == .sparse
  }

  func put(
    _ bytes: UnsafeRawBufferPointer, masks: Span<BlockMask>, at offset: UInt64
  ) throws(LaneFailure) {
    try zero(upTo: offset)
    var end = 0
    while let run = masks.nextRun(from: end, byteCount: bytes.count) {
      try zero(upTo: offset + UInt64(run.lowerBound))
      end = run.upperBound
      position = offset + UInt64(end)
    }
    try unsafe file.put(bytes, masks: masks, at: offset)
  }

  func finish() throws(LaneFailure) {
    try zero(upTo: size)
    try file.finish()
  }

  /// Makes zeros from where the stream has got to.
  private func zero(upTo end: UInt64) throws(LaneFailure) {
    while position < end {
      // A disk of terabytes is made zeros for hours.
      if stop.isRequested { throw .cancelled }
      let part = min(end - position, Self.zeroBytesMax)
      // A device knows whole sectors; the rest of a disk that ends inside of one is written.
      let whole = part / Block.bytes * Block.bytes
      try made { () throws(SystemCallError) in
        if whole > 0 { try zero(whole) }
        if whole < part { try writeZeros(Int(part - whole), at: position + whole) }
      }
      position += part
    }
  }

  private func zero(_ length: UInt64) throws(SystemCallError) {
    let (offset, length) = (Int64(position), Int64(length))
    // Of a block device a hole that was punched reads as zeros, or the call fails.
    if givesBack {
      if clinux_punch_hole(device.raw, offset, length) == 0 { return }
      givesBack = false
    }
    try check(clinux_zero_range(device.raw, offset, length), .fallocate, name)
  }

  private func writeZeros(_ count: Int, at offset: UInt64) throws(SystemCallError) {
    _ = clinux_set_direct(device.raw, 0)
    let zeros = [UInt8](repeating: 0, count: count)
    var failure: SystemCallError?
    unsafe zeros.withUnsafeBytes { buffer in
      do throws(SystemCallError) {
        try unsafe device.writeAll(buffer, at: Int64(offset), subject: name)
      } catch { failure = error }
    }
    if let failure { throw failure }
  }

  private func made(_ body: () throws(SystemCallError) -> Void) throws(LaneFailure) {
    do throws(SystemCallError) { try body() } catch { throw .target("\(error)") }
  }
}
