internal import BackupProtocol
internal import System

/// What one conversation may take of this machine: a plugin that goes beyond it is killed.
struct Excess: Sendable {
  /// Frames that nobody has looked at yet: far more than any credit of a case lets a plugin send.
  private static let waitingBytesMax = 64 << 20
  /// Of channels 1 and 2, in a run.
  private static let textBytesMax = 16 << 20
  /// At the top of a directory 4096 are allowed; nobody needs many more for 1024 streams.
  private static let entryCountMax = 8192
  private static let lookSeconds = 0.25

  /// What an archive may take on the disk.
  private let archiveBytesMax: Int64
  private(set) var waitingBytes = 0
  private(set) var textBytes = 0
  private var lookedAt = MonotonicTime.now

  init(archiveBytesMax: Int64) { self.archiveBytesMax = archiveBytesMax }

  mutating func queued(_ count: Int) { waitingBytes += count }

  mutating func taken(_ count: Int) { waitingBytes -= count }

  mutating func heard(_ count: Int) { textBytes += count }

  /// What is too much, if anything is.
  mutating func fault(of archive: String?) -> Fault? {
    if waitingBytes > Self.waitingBytesMax {
      return Fault(nil, "sends frames without end")
    }
    if textBytes > Self.textBytesMax {
      return Fault("16-1", "wrote more than 16 MiB to channels 1 and 2")
    }
    guard let archive, MonotonicTime.now.seconds(since: lookedAt) > Self.lookSeconds else {
      return nil
    }
    lookedAt = .now
    var count = 0
    let stored = Self.storedBytes(archive, &count)
    if count > Self.entryCountMax {
      return Fault("4.4-1", "its archive has more than \(Self.entryCountMax) files and folders")
    }
    guard stored > archiveBytesMax else { return nil }
    return Fault("4.4-4", "its archive takes \(stored >> 20) MiB, and it was given a few")
  }

  /// What a file takes, or a directory with all that is in it.
  private static func storedBytes(_ path: String, _ count: inout Int) -> Int64 {
    count += 1
    guard count <= entryCountMax, let status = try? FileStatus(path: path) else { return 0 }
    guard status.kind == .directory else { return status.storedBytes }
    var sum: Int64 = 0
    for name in (try? listDirectory(path)) ?? [] { sum += storedBytes(path + "/" + name, &count) }
    return sum
  }
}
