internal import BackupProtocol
internal import Machine

extension Archive {
  /// Of what machine and instant an archive is; empty if unknown.
  struct Origin: Sendable {
    var machine = Job.Machine()
    /// RFC 3339 in UTC.
    var instant = ""
    /// What the machine was made of, if the archive's format tells.
    var description: MachineDescription?

    /// The machine, with what the user says of it in place of what the archive does.
    func machine(_ request: BackupRequest, _ files: ToldFiles) -> Job.Machine {
      let said = files.identity(request)
      return Job.Machine(
        id: said.id.isEmpty ? machine.id : said.id,
        name: said.name.isEmpty ? machine.name : said.name,
        uuid: said.uuid.isEmpty ? machine.uuid : said.uuid)
    }
  }

  /// What a stream was to the backup: the receipt knows, else the plugin, which may go by a name.
  func role(of stream: StreamDescription) -> String {
    receipt?.streams.first { $0.name == stream.name }?.role ?? stream.role
  }

  /// The receipt knows, else the plugin.
  func origin(_ ack: JobAck) -> Origin {
    let (vm, instant) = receipt.map { ($0.vm, $0.instant) } ?? (ack.vm, ack.instant)
    return Origin(
      machine: Job.Machine(id: cleaned(vm.id), name: cleaned(vm.name), uuid: cleaned(vm.uuid)),
      instant: UTCTime(instant)?.text ?? "", description: ack.machine)
  }
}
