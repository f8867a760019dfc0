import ArchiveBytes
import ArchiveFiles
import BackupProtocol
import OVFFormat
import TarFormat
import WriterKit

/// Reads an appliance, compressed or not, from a file or a stream; of ours or of others.
///
/// A file has bytes at any place. Of everything else an archive of ours goes by once; one of other
/// programs is copied to the scratch file first.
final class OVAReader: ArchiveReader {
  /// By the tables of the disks, of an uncompressed file.
  static let readsRanges = true

  let streams: [StreamDescription]
  let machine: Job.Machine
  let description: MachineDescription?
  let instant: Timestamp?
  private let opened: any OpenedAppliance

  init(job: Job, input: Input, host: Host) throws(PluginError) {
    opened = try Self.open(try ArchiveInput(input, salvages: job.salvages), job, host)
    let appliance = opened.appliance
    streams = appliance.parts.map(\.stream)
    machine = opened.receipt?.machine ?? appliance.identity
    instant =
      opened.receipt?.instant ?? appliance.descriptor.backup.flatMap { Timestamp($0.instant) }
    description = appliance.machine
    try checkListing()
  }

  func read(
    _ stream: StreamDescription, _ range: Range<UInt64>, into sink: ReadSink
  ) throws(PluginError) {
    let parts = opened.appliance.parts
    guard let part = parts.first(where: { $0.stream.id == stream.id }) else {
      throw PluginError(.notFound, "the archive has no stream \(stream.id)")
    }
    guard range == 0..<(stream.size ?? 0) else {
      return try opened.deliver(part, range, to: sink)
    }
    try opened.deliver(part, to: sink)
  }

  func finish() throws(PluginError) { try opened.complete() }

  /// Every member that is read is held against its line of the manifest.
  var isProven: Bool { opened.hasLineForEveryMember }

  private static func open(
    _ input: ArchiveInput, _ job: Job, _ host: Host
  ) throws(PluginError) -> any OpenedAppliance {
    if let file = input.file { return try FiledAppliance(file, job, host) }
    let start = SpooledStart(input.source)
    if let passing = try PassingAppliance(TarWalk(start), job, host) {
      start.forget()
      return passing
    }
    return try FiledAppliance(try start.spool(host), job, host)
  }

  /// A list that the host could not take would be the end of the session.
  private func checkListing() throws(PluginError) {
    var ack = JobAck(streams: streams)
    (ack.vm, ack.instant, ack.machine) = (machine, instant, description)
    guard JSONValue.object(ack.object).serialised().count <= Int(Limits.controlBytesMax) else {
      throw PluginError(.tooLarge, "the list of names in the archive is too long")
    }
  }
}
