/// The name of a dirty bitmap of ours: the backup at whose point in time it began to record, and
/// what it recorded then.
///
/// `sluice-JOB.BYTES.DISK`. It travels with the image it is stored in, which may come to another
/// disk; and QEMU keeps it when the image is resized, and notes nothing of that: so both are in the
/// name. It outlives its job, unlike everything that begins with a `JobMark`: a take-down leaves
/// it.
package struct BitmapName: Hashable, Sendable {
  /// Thirty-two hexadecimal digits, lower case.
  package let job: String
  /// What the disk is called in archives.
  package let disk: String
  /// The disk's size at that time; 0 if unknown.
  package let bytes: UInt64

  private static let word = "sluice-"
  private static let digitCount = 32

  /// - Parameter job: Identifier of a job; `nil` for anything else.
  package init?(job: some StringProtocol, disk: String = "", bytes: UInt64 = 0) {
    guard job.utf8.count == Self.digitCount, job.utf8.allSatisfy(JobMark.isDigit) else {
      return nil
    }
    self.job = String(job)
    self.disk = disk
    self.bytes = bytes
  }

  /// The job of a bitmap in QEMU, if it is one of ours.
  package init?(bitmap name: String) {
    guard name.hasPrefix(Self.word) else { return nil }
    let parts = name.dropFirst(Self.word.count)
      .split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, let bytes = UInt64(parts[1]) else { return nil }
    self.init(job: parts[0], disk: String(parts[2]), bytes: bytes)
  }

  /// What it is called in QEMU.
  package var bitmap: String { "\(Self.word)\(job).\(bytes).\(disk)" }
}

extension JobMark {
  /// The bitmap that is read during a job: what had changed on a disk at the point in time.
  ///
  /// - Parameter disk: Its number, from 0.
  package func changes(_ disk: Int) -> String { "\(prefix)m\(disk)" }
}
