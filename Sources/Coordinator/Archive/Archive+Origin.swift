package import BackupProtocol
internal import JobSupport
package import Machine
internal import System

extension Archive {
  /// Of what machine and instant an archive is, as far as it is known.
  package struct Origin: Sendable {
    package var machine: Job.Machine
    package var instant: Timestamp?
    /// What the machine was made of, if the archive's format tells.
    package var description: MachineDescription?

    package init(
      machine: Job.Machine = Job.Machine(), instant: Timestamp? = nil,
      description: MachineDescription? = nil
    ) {
      self.machine = machine
      self.instant = instant
      self.description = description
    }
  }

  /// What a stream was to the backup: the receipt knows, else the plugin, which may go by a name.
  package func role(of stream: StreamDescription) -> String {
    receipt?.streams.first { $0.name == stream.name }?.role ?? stream.role
  }

  /// The receipt knows, else the plugin.
  package func origin(_ ack: JobAck) -> Origin {
    let (vm, instant) = receipt.map { ($0.vm, $0.instant) } ?? (ack.vm, ack.instant)
    return Origin(
      machine: Job.Machine(id: cleaned(vm.id), name: cleaned(vm.name), uuid: cleaned(vm.uuid)),
      instant: instant, description: ack.machine)
  }
}
