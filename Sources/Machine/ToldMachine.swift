/// What a file or QEMU tells of a machine, before it is known which streams a job has.
package struct ToldMachine: Equatable, Sendable {
  package var description: MachineDescription
  /// For each disk of the description, by what names or files a stream may be known as it; those
  /// that say most come first.
  package var aliases: [[String]]

  package init(_ description: MachineDescription, aliases: [[String]] = []) {
    self.description = description
    self.aliases = aliases
  }

  /// A stream of a job.
  package struct Stream: Sendable {
    package var name: String
    package var role: String
    /// The image it is read from, if it is known.
    package var file: String

    package init(name: String, role: String = "disk", file: String = "") {
      self.name = name
      self.role = role
      self.file = file
    }
  }

  /// The machine with the streams that hold its disks.
  ///
  /// A disk is found by its stream, if the description names one, else by its aliases. If as many
  /// disks as streams are left over, they are taken for each other in their order.
  ///
  /// - Parameter streams: Of kind disk, in the order of the job.
  package func with(streams: [Stream]) -> MachineDescription {
    var machine = description
    var left = streams
    for index in machine.disks.indices {
      let named = machine.disks[index].stream
      let wanted = named.isEmpty ? (index < aliases.count ? aliases[index] : []) : [named]
      machine.disks[index].stream = ""
      guard let place = Self.place(of: wanted, in: left) else { continue }
      machine.disks[index].stream = left.remove(at: place).name
    }
    machine.assignInOrder(&left)
    machine.addState(left)
    return machine
  }

  /// The stream that answers to the first alias that one answers to.
  private static func place(of aliases: [String], in streams: [Stream]) -> Int? {
    for alias in aliases where !alias.isEmpty {
      let base = baseName(alias)
      let found =
        streams.firstIndex { $0.name == alias } ?? streams.firstIndex { $0.file == alias }
        ?? streams.firstIndex { !$0.file.isEmpty && baseName($0.file) == base }
      if let found { return found }
    }
    return nil
  }

  private static func baseName(_ path: String) -> Substring {
    path.split(separator: "/").last ?? ""
  }
}

extension MachineDescription {
  fileprivate mutating func assignInOrder(_ streams: inout [ToldMachine.Stream]) {
    let free = disks.indices.filter {
      disks[$0].stream.isEmpty && disks[$0].media == .disk && !disks[$0].isState
    }
    let unknown = streams.indices.filter { streams[$0].role == "disk" }
    guard free.count == unknown.count else { return }
    for (disk, stream) in zip(free, unknown) { disks[disk].stream = streams[stream].name }
    streams.removeAll { $0.role == "disk" }
  }

  /// State that the description does not have: QEMU shows the firmware's flash as a drive.
  fileprivate mutating func addState(_ streams: [ToldMachine.Stream]) {
    for stream in streams where disks.count < MachineLimits.disksMax {
      switch stream.role {
      case "nvram": disks.append(Disk(name: stream.name, stream: stream.name, bus: .flash))
      case "tpm": disks.append(Disk(name: stream.name, stream: stream.name, bus: .tpm))
      default: break
      }
    }
  }
}
