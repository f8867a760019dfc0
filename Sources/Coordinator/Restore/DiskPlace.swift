internal import JobSupport
internal import Pump
internal import SharedPool

/// Where one disk goes that has a place of its own.
///
/// ```
/// init ─ look, change nothing → prepare ─ take the place → target ─ write → publish
/// ```
/// Released without ``publish()``, it removes what it created, where that is possible.
protocol DiskPlace: AnyObject {
  /// As the user wrote it.
  var path: String { get }

  /// Whether it takes any number of bytes, and holds nothing else.
  var holdsPlainBytes: Bool { get }

  /// Whether nothing was there before.
  var isNew: Bool { get }

  /// Takes the place; every disk's is taken before the first byte is written.
  ///
  /// - Parameter size: Bytes of the disk.
  func prepare(size: UInt64) throws(JobError)

  /// - Parameter memory: Holds the bytes that will be put, 1 MiB a slot.
  func target(_ memory: SharedPool) throws(JobError) -> any ReadTarget

  /// The disk is complete but for what the archive has lost: a file says so by its name.
  func markIncomplete()

  /// The disk is complete and verified, or all that can be had of it.
  func publish() throws(JobError)

  /// Whether the disk is complete under its name, even if ``publish()`` failed after that.
  var isPublished: Bool { get }

  /// Bytes that it takes on the storage, as far as can be told.
  var storedBytes: UInt64 { get }

  /// Whether it holds a part of the disk that cannot be taken back.
  var isSpoilt: Bool { get }
}
