internal import CLinux
internal import Glibc
internal import System

/// The image that receives the old contents of what a guest overwrites during its backup.
///
/// A qcow2 image of the disk's size, initially without allocated clusters. It has no name, so it
/// vanishes when its users exit, and QEMU gets a descriptor of it. One per disk; its space is freed
/// when both Sluice and QEMU have closed it.
package final class FleecingImage: Sendable {
  /// The requirements of one image.
  package struct Wish: Sendable {
    package let directory: FleecingDirectory
    /// The guest's view of the disk.
    package let diskBytes: Int64
    /// Bytes that must be free on the filesystem.
    package let wantedBytes: Int64
    package let reservation: Reservation

    package init(
      directory: FleecingDirectory, diskBytes: Int64, wantedBytes: Int64,
      reservation: Reservation = .none
    ) {
      self.directory = directory
      self.diskBytes = diskBytes
      self.wantedBytes = wantedBytes
      self.reservation = reservation
    }
  }

  /// Whether the wanted bytes are allocated at once.
  package enum Reservation: Sendable { case none, whereFilesystemCan, required }

  package let directory: FleecingDirectory
  /// Bytes allocated when it was created.
  package let reservedBytes: Int64
  /// Bytes that it needs.
  package let wantedBytes: Int64
  private let file: OwnedDescriptor

  /// Valid as long as this object.
  package var rawDescriptor: Int32 { file.raw }

  /// Bytes it occupies on its filesystem, including reserved ones.
  package var storedBytes: Int64 {
    (try? FileStatus(descriptor: file.raw, subject: directory.path).storedBytes) ?? 0
  }

  /// Its size: what QEMU has written, without reserved bytes.
  package var fileBytes: Int64 {
    (try? FileStatus(descriptor: file.raw, subject: directory.path).size) ?? 0
  }

  private init(_ wish: Wish) throws(ControlError) {
    directory = wish.directory
    wantedBytes = wish.wantedBytes
    do throws(SystemCallError) {
      file = try wish.directory.makeFile()
      try EmptyImage(size: wish.diskBytes).write(to: file, subject: wish.directory.path)
      // After writing the image: a filesystem may free reserved bytes when the size changes.
      reservedBytes = try Self.reserve(wish, in: file.raw)
    } catch {
      guard error.code == ENOSPC else { throw .system(error) }
      throw .fleecingSpace(
        directory: wish.directory.path, freeBytes: (try? wish.directory.freeBytes()) ?? 0,
        wantedBytes: wish.wantedBytes)
    }
  }

  /// - Returns: Bytes that were allocated.
  private static func reserve(_ wish: Wish, in file: Int32) throws(SystemCallError) -> Int64 {
    guard wish.reservation != .none else { return 0 }
    do throws(SystemCallError) {
      try check(clinux_reserve(file, 0, wish.wantedBytes), .fallocate, wish.directory.path)
    } catch {
      if error.code == EOPNOTSUPP && wish.reservation == .whereFilesystemCan { return 0 }
      throw error
    }
    return wish.wantedBytes
  }

  /// Bytes that a spool of so much data needs: a fiftieth more, for filesystems with blocks larger
  /// than its clusters, and its tables, which cover holes too.
  package static func spoolBytes(forBytes bytes: Int64, ofDisk diskBytes: Int64) -> Int64 {
    bytes + bytes / 50 + diskBytes / 4096 + (4 << 20)
  }

  /// Whether the image still refers to no other file, such as a backing file.
  ///
  /// QEMU has it open for writing; a compromised one could change that.
  package var standsAlone: Bool {
    guard let bytes = try? readBytes(file.raw, at: 0, count: 80), bytes.count == 80 else {
      return false
    }
    // No name of a backing file (8), not encrypted (32), and of the features (72) "dirty" at most.
    return bytes[8..<20].allSatisfy { $0 == 0 } && bytes[32..<36].allSatisfy { $0 == 0 }
      && bytes[72..<79].allSatisfy { $0 == 0 } && bytes[79] & ~1 == 0
  }

  /// Frees its space, even if others have it open.
  package func empty() { _ = clinux_ftruncate(file.raw, 0) }

  /// Creates the images of a job, if there is enough space for all of them.
  ///
  /// Space that is not reserved may be used up by others.
  ///
  /// - Throws: `fleecingSpace`, where images on one filesystem are counted together; `system`.
  package static func make(_ wishes: [Wish]) throws(ControlError) -> [FleecingImage] {
    var wanted: [UInt64: Int64] = [:]
    for wish in wishes {
      let (device, free) = (try wish.directory.device, try wish.directory.freeBytes())
      let sum = (wanted[device] ?? 0).addingReportingOverflow(max(0, wish.wantedBytes))
      wanted[device] = sum.partialValue
      if sum.overflow || sum.partialValue > free {
        throw .fleecingSpace(
          directory: wish.directory.path, freeBytes: free,
          wantedBytes: sum.overflow ? .max : sum.partialValue)
      }
    }
    var images: [FleecingImage] = []
    for wish in wishes { images.append(try FleecingImage(wish)) }
    return images
  }

  /// Recommended space for a disk: a tenth of the disk, at least 64 MiB, at most ``fullBytes``.
  package static func usualBytes(ofDisk bytes: Int64) -> Int64 {
    min(max(bytes / 10, 64 << 20), fullBytes(ofDisk: bytes))
  }

  /// Space if the guest overwrites its whole disk: clusters of 64 KiB, eight bytes of tables and
  /// two of reference counts for each, and the header.
  package static func fullBytes(ofDisk bytes: Int64) -> Int64 { bytes + bytes / 4096 + (1 << 20) }
}
