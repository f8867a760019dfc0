package import BackupProtocol
package import PluginHost
package import Pump
package import Requests

/// Where events go; called from any thread, never from the data plane.
package typealias EventSink = @Sendable (JobEvent) -> Void

/// What happens while a command runs, for people and tools.
package enum JobEvent: Sendable {
  /// The job has its id; all that follows is of it.
  case began(job: String)
  /// The machine's name is known; all that follows is of it.
  case named(machine: String)
  /// The plan is complete: streams and their bytes.
  case planned(doing: String, streams: [String], bytes: UInt64)
  /// What of a disk is stored in a job of a level, and why; bytes that are not as in the parent.
  case captured(disk: String, ChangeMethod, reason: String, bytes: UInt64)
  /// Something is wrong, but the job continues; the remedy, if any, ends the sentence.
  case warning(String, Remedy? = nil)
  /// A plugin says something about itself.
  case said(PluginLine)
  /// Work begins; counters are live until ``JobEvent/finished(_:)``.
  case started(LaneProgress)
  /// A step of a live backup.
  case guest(GuestStep)
  /// An output failed; others may continue.
  case outputFailed(label: String, JobError)
  /// An archive has its final name, or is a stream that is complete and whose receipt is saved.
  case published(label: String, path: String, storedBytes: UInt64? = nil, receipt: String? = nil)
  /// A range of a stream, or something somewhere in it, could not be read and is zeros.
  case damaged(stream: String, StreamDamage.Piece?, String)
  /// An output of a salvage is complete but for what is damaged.
  case incomplete(label: String, path: String)
  case finished(JobReport)
}

/// What a command did, in numbers.
package struct JobReport: Sendable {
  package var doing: String
  package var streams: [StreamSummary] = []
  package var seconds = 0.0
  /// CPU seconds of helpers: plugins and QEMU.
  package var helperCPUSeconds = 0.0
  package var outputs: [OutputReport] = []
  /// What there was to read of each disk; empty for other commands than backups.
  package var disks: [DiskReport] = []
  /// The archive that was read, as the user names it; `nil` if none was.
  package var archive: String?
  /// What a live backup cost its guest.
  package var guest: GuestReport?
  /// What verified the archive that was read; `nil` if none was read, or none of its streams.
  package var proof: Proof?
  /// Of an increment that was verified: its parents were not read.
  package var isAlone = false
  /// Of a salvage: why the archive's end could not be checked.
  package var lateFailure: String?

  package init(doing: String) { self.doing = doing }
}

/// One disk of a backup.
package struct DiskReport: Sendable {
  package let name: String
  /// Bytes the source calls data; the rest is known to be zeros.
  package let allocatedBytes: UInt64

  package init(name: String, allocatedBytes: UInt64) {
    self.name = name
    self.allocatedBytes = allocatedBytes
  }
}

/// One archive of a job.
package struct OutputReport: Sendable {
  package let label: String
  package let path: String
  package let storedBytes: UInt64
  /// The file that holds the receipt of an archive that is a stream.
  package var receipt: String?

  package init(label: String, path: String, storedBytes: UInt64, receipt: String? = nil) {
    self.label = label
    self.path = path
    self.storedBytes = storedBytes
    self.receipt = receipt
  }
}
