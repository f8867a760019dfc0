internal import BackupProtocol
internal import JSON
internal import SharedPool

/// How a case starts and greets a plugin.
struct CaseSetup: Sendable {
  var mode = Job.Mode.write
  /// What channel 6 is; that of the bench if `nil`.
  var output: Job.OutputKind?
  /// Whether there is a pool, and `shm` is offered.
  var hasPool = false
  var shape = PoolShape(slotCount: 4, slotBytes: 1 << 20)
  /// Of HELLO, beside `shm` and `map`.
  var features: [String] = []
  var versions: [UInt64] = [1]
  var windowBytes: UInt64 = 4 << 20
  var inflight: UInt32 = 8
  /// What HELLO and JOB have beside what they need.
  var helloMembers: JSONObject = [:]
  var jobMembers: JSONObject = [:]
  var options: JSONObject = [:]
  /// Whether frames without meaning come between all others.
  var isGreasing = false
  /// Whether the plugin gets one byte at a time.
  var isCut = false
  /// Whether the host reads and writes a little at a time, and slowly.
  var isSlow = false
  /// The environment in place of `SLUICE_PROTOCOL=1`.
  var variables = ["SLUICE_PROTOCOL=1"]
  /// Bytes of its pool's file, if it is a wrong one.
  var poolBytes: Int?
  var isPoolSealed = true
  /// Mode of the output directory.
  var directoryMode: UInt32 = 0o700
  /// Whether a slot is overwritten as soon as it is released.
  var isPoisoning = true
  /// What its archive may take on the disk; the largest content of a case has 4 MiB.
  var archiveBytesMax: Int64 = 1 << 30
  /// Whether the archive is on a file system that is nearly full.
  var isFull = false
  var salvages = false
}
