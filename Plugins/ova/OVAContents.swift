import Machine
import OVFFormat
import WriterKit

/// What the members of an appliance say of each other: descriptor and receipt.
struct OVAContents {
  let job: Job
  let names: OVANames
  let diskFormat: OVAOptions.DiskFormat
  let tools: [String]

  /// The descriptor.
  ///
  /// - Parameters:
  ///   - configs: Contents, by stream.
  ///   - disks: By stream, as far as more is known of them.
  /// - Throws: E_BAD_JOB for texts that XML cannot hold.
  func descriptor(
    configs: [UInt32: [UInt8]], disks: [UInt32: OVADisk]
  ) throws(PluginError) -> [UInt8] {
    var machine = job.machine ?? MachineDescription()
    if machine.name.isEmpty { machine.name = job.vm.name }
    var descriptor = OVFDescriptor(
      name: job.vm.name.isEmpty ? machine.name : job.vm.name, machine: machine)
    var streams: [OVFDescriptor.Stream] = []
    for stream in job.streams {
      let size = stream.kind == .disk ? disks[stream.id]?.byteCount : stream.size
      descriptor.files.append(
        .init(id: Self.fileID(stream), name: names.member(stream), size: size))
      if stream.kind == .disk {
        descriptor.disks.append(disk(stream, populatedBytes: disks[stream.id]?.dataBytes))
      }
      streams.append(
        .init(
          name: stream.name, kind: stream.kind.rawValue, role: stream.role, size: stream.size ?? 0,
          fileID: Self.fileID(stream), content: configs[stream.id]))
    }
    descriptor.files.append(.init(id: "receipt", name: OVANames.receipt))
    descriptor.backup = .init(
      machineID: job.vm.id, instant: job.instant?.text ?? "", streams: streams)
    do throws(OVFError) { return try descriptor.serialised() } catch {
      throw PluginError(.badJob, "cannot describe this machine in OVF: \(error)")
    }
  }

  /// The receipt, with the digests of the host.
  func receipt(_ digests: [UInt32: Digest]) -> [UInt8] {
    let receipt = Receipt(
      job: job.id, format: job.format, instant: job.instant, vm: job.vm, tools: tools,
      streams: job.streams.map {
        Receipt.Stream($0, size: $0.size ?? 0, digest: digests[$0.id] ?? Digest.none)
      })
    return JSONValue.object(receipt.object).serialised(.indented)
  }

  private func disk(
    _ stream: StreamDescription, populatedBytes: UInt64?
  ) -> OVFDescriptor.Disk {
    OVFDescriptor.Disk(
      id: "disk-\(stream.id)", name: stream.name, fileID: Self.fileID(stream),
      capacity: stream.size ?? 0, format: diskFormat == .vmdk ? .streamOptimized : .qcow2,
      populatedBytes: populatedBytes, isAttached: stream.role == "disk")
  }

  private static func fileID(_ stream: StreamDescription) -> String { "file-\(stream.id)" }
}
