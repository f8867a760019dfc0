package import BackupProtocol
package import JobSupport
package import Machine
internal import Pump
package import Requests
package import SharedPool
package import System

/// Where the data of a job comes from, before anything of it is opened: images, a running machine,
/// an archive.
///
/// ```
/// JobSource ──open──► OpenSource ──streams──► SourceStreams
/// asked for           contents known          being read, on the thread of the job
/// ```
package protocol JobSource: Sendable {
  associatedtype Opened: OpenSource

  /// What the user asked for, in a word.
  var doing: String { get }
  /// Slots of the pool; more if a plugin needs more.
  var slotCount: Int { get }
  /// Whether it tells the machine's number, which names of archives may contain.
  var tellsMachine: Bool { get }

  /// Makes the data readable, and learns what there is.
  ///
  /// - Throws: `JobError`; then nothing of it is left open.
  func open(_ order: JobOrder) async throws(JobError) -> Opened
}

extension JobSource {
  package var doing: String { "backup" }
  package var slotCount: Int { 16 }
  package var tellsMachine: Bool { false }
}

/// What is known of a job before its source is opened.
package struct JobOrder: Sendable {
  /// The job's identifier.
  package let id = makeJobIdentifier()
  package let request: BackupRequest
  package let outputs: [BackupPlan.Output]
  /// The configurations that the user names.
  package let configs: [ConfigFile]
  /// What files say of the machine.
  package let files: ToldFiles
  /// What a job of a level refers to; `nil` for other jobs.
  package let increment: IncrementOrder?
  package let pool: SharedPool
  package let surroundings: Surroundings
  package let stop: StopSignal

  package func requireNotStopped() throws(JobError) {
    if stop.isRequested { throw JobError(.cancelled) }
  }
}

/// What a source contains, for the plan.
package struct SourceContents: Sendable {
  /// The job's identifier.
  package var id: String
  /// The point in time of the data.
  package var instant: Timestamp
  package var machine: Job.Machine
  /// What the machine is made of, if that is known.
  package var told: ToldMachine?
  package var disks: [BackupPlan.Disk]
  /// All configurations, in the order in which they are archived.
  package var configs: [ConfigFile]

  package init(
    id: String = makeJobIdentifier(), instant: Timestamp, machine: Job.Machine, told: ToldMachine?,
    disks: [BackupPlan.Disk], configs: [ConfigFile]
  ) {
    self.id = id
    self.instant = instant
    self.machine = machine
    self.told = told
    self.disks = disks
    self.configs = configs
  }
}

/// A source that can be read, until it is settled.
package protocol OpenSource: Sendable {
  var contents: SourceContents { get }

  /// The streams of the plan, to be read; on the thread of the job.
  func streams(of plan: BackupPlan) throws(JobError) -> any SourceStreams

  /// No more will be read, however that ended; may be called more than once, from any thread.
  func endOfReading()

  /// Runs beside the thread of the job; a machine is set free here when everything has been read.
  func attend() async

  /// Ends whatever is still open, once archives are published or the job has failed.
  ///
  /// - Parameter outcome: Of the transfer; it tells which archives were published, also where
  ///   others failed.
  /// - Returns: The report, with what the source adds to it.
  /// - Throws: `JobError`: that of the outcome, or one that explains it better.
  func settle(_ outcome: JobOutcome) async throws(JobError) -> JobReport
}

extension OpenSource {
  package func endOfReading() {}
  package func attend() async {}
}
