internal import CLinux
internal import Glibc
internal import System

/// The file that takes the old contents of what a guest overwrites during its backup.
///
/// A qcow2 of the disk's size in which nothing is allocated at first. It has no name, so nothing of
/// it stays whoever dies; QEMU gets a descriptor of it. One per disk; its room is given back when
/// the last of us and QEMU lets go of it.
package final class FleecingStore: Sendable {
  /// What is wanted of one store.
  package struct Wish: Sendable {
    package let directory: FleecingDirectory
    /// The guest's view of the disk.
    package let diskBytes: Int64
    /// Free bytes that the filesystem has to have for it.
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

  /// Whether the wanted bytes are taken at once, so that nobody else can.
  package enum Reservation: Sendable { case none, whereFilesystemCan, required }

  package let directory: FleecingDirectory
  /// Bytes that were taken when it was made.
  package let reservedBytes: Int64
  /// Bytes that it was said to need.
  package let wantedBytes: Int64
  private let file: OwnedDescriptor

  /// Valid as long as the store lives.
  package var rawDescriptor: Int32 { file.raw }

  /// Bytes it takes on its filesystem, the reserved ones included.
  package var storedBytes: Int64 {
    (try? FileStatus(descriptor: file.raw, subject: directory.path).storedBytes) ?? 0
  }

  /// Its length: what QEMU has put there, whatever is reserved.
  package var fileBytes: Int64 {
    (try? FileStatus(descriptor: file.raw, subject: directory.path).size) ?? 0
  }

  private init(_ wish: Wish) throws(ControlError) {
    directory = wish.directory
    wantedBytes = wish.wantedBytes
    do throws(SystemCallError) {
      file = try wish.directory.makeFile()
      try EmptyImage(size: wish.diskBytes).write(to: file, subject: wish.directory.path)
      // Behind the image: a filesystem may give back what is reserved when a file changes its
      // length.
      reservedBytes = try Self.reserve(wish, in: file.raw)
    } catch {
      guard error.code == ENOSPC else { throw .system(error) }
      throw .fleecingSpace(
        directory: wish.directory.path, freeBytes: (try? wish.directory.freeBytes()) ?? 0,
        wantedBytes: wish.wantedBytes)
    }
  }

  /// - Returns: Bytes that were taken.
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

  /// What a spool needs for so many bytes of data: a fiftieth more, for filesystems whose blocks
  /// are larger than its clusters, and its tables, which tell of holes too.
  package static func spoolBytes(forBytes bytes: Int64, ofDisk diskBytes: Int64) -> Int64 {
    bytes + bytes / 50 + diskBytes / 4096 + (4 << 20)
  }

  /// Whether the image still is what was made: it stands on nothing, and needs no other file.
  ///
  /// QEMU has it open for writing; one that its guest has taken over could change that.
  package var standsAlone: Bool {
    guard let bytes = try? readBytes(file.raw, at: 0, count: 80), bytes.count == 80 else {
      return false
    }
    // No name of a backing file (8), not encrypted (32), and of the features (72) "dirty" at most.
    return bytes[8..<20].allSatisfy { $0 == 0 } && bytes[32..<36].allSatisfy { $0 == 0 }
      && bytes[72..<79].allSatisfy { $0 == 0 } && bytes[79] & ~1 == 0
  }

  /// Gives its room back, whoever else has it open.
  package func empty() { _ = clinux_ftruncate(file.raw, 0) }

  /// Makes the stores of a job, if there is room for all of them.
  ///
  /// Nothing keeps others from using up room that is not reserved.
  ///
  /// - Throws: `fleecingSpace`, where stores on one filesystem are counted together; `system`.
  package static func make(_ wishes: [Wish]) throws(ControlError) -> [FleecingStore] {
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
    var stores: [FleecingStore] = []
    for wish in wishes { stores.append(try FleecingStore(wish)) }
    return stores
  }

  /// Bytes a store of a disk should find: a tenth of the disk, at least 64 MiB, at most all of it
  /// and what a qcow2 needs beside.
  package static func usualBytes(ofDisk bytes: Int64) -> Int64 {
    min(max(bytes / 10, 64 << 20), fullBytes(ofDisk: bytes))
  }

  /// Bytes a store takes when the guest overwrites its whole disk: clusters of 64 KiB, eight bytes
  /// of table and two of count for each, and the header.
  package static func fullBytes(ofDisk bytes: Int64) -> Int64 { bytes + bytes / 4096 + (1 << 20) }
}
