public import JSON

extension MachineDescription {
  /// Takes a description out of JSON; members that are not known are skipped.
  ///
  /// - Parameter object: JOB's `machine`, or a file of that form.
  /// - Throws: `MachineError`, which names the member.
  public init(parsing object: JSONObject) throws(MachineError) {
    let members = MachineMembers(object, path: "")
    name = try members.text("name")
    uuid = try members.word("uuid", "a UUID in lower case", isUUID)
    architecture = try members.text("architecture")
    board = try members.text("board")
    system = try members.text("system")
    processors = try members.object("processors").map(Processors.init)
    memory = try members.integer("memory", in: MachineLimits.memory).map { UInt64($0) }
    firmware = try members.object("firmware").map(Firmware.init)
    controllers = try members.list(
      "controllers", atMost: MachineLimits.controllersMax, Controller.init)
    disks = try members.list("disks", atMost: MachineLimits.disksMax, Disk.init)
    networkCards = try members.list(
      "nics", atMost: MachineLimits.networkCardsMax, NetworkCard.init)
    guard JSONValue.object(self.object).serialised().count <= MachineLimits.bytesMax else {
      throw .tooLarge
    }
  }
}

extension MachineDescription.Processors {
  fileprivate init(_ members: MachineMembers) throws(MachineError) {
    guard let count = try members.integer("count", in: MachineLimits.processors) else {
      throw members.wrong("count", "a number of processors")
    }
    self.init(
      count: count, sockets: try members.integer("sockets", in: MachineLimits.processors),
      cores: try members.integer("cores", in: MachineLimits.processors),
      threads: try members.integer("threads", in: MachineLimits.processors),
      model: try members.text("model"))
  }
}

extension MachineDescription.Firmware {
  fileprivate init(_ members: MachineMembers) throws(MachineError) {
    guard let kind = Kind(rawValue: try members.text("kind")) else {
      throw members.wrong("kind", "\"bios\" or \"efi\"")
    }
    self.init(kind, isSecureBoot: try members.flag("secure_boot"))
  }
}

extension MachineDescription.Controller {
  fileprivate init(_ members: MachineMembers) throws(MachineError) {
    self.init(
      bus: try members.bus(), index: try members.integer("index", in: MachineLimits.indices) ?? 0,
      model: try members.text("model"))
  }
}

extension MachineDescription.Disk {
  fileprivate init(_ members: MachineMembers) throws(MachineError) {
    let media = try members.text("media")
    guard let kind = media.isEmpty ? .disk : Media(rawValue: media) else {
      throw members.wrong("media", "\"disk\", \"cdrom\" or \"floppy\"")
    }
    self.init(
      name: try members.text("name"), stream: try members.text("stream"), bus: try members.bus(),
      controller: try members.integer("controller", in: MachineLimits.indices),
      slot: try members.integer("slot", in: MachineLimits.indices), media: kind,
      bootOrder: try members.integer("boot_order", in: 1...MachineLimits.indices.upperBound),
      serial: try members.text("serial"))
  }
}

extension MachineDescription.NetworkCard {
  fileprivate init(_ members: MachineMembers) throws(MachineError) {
    self.init(
      model: try members.text("model"),
      mac: try members.word("mac", "six lower-case hexadecimal pairs separated by colons", isMAC),
      network: try members.text("network"))
  }
}

/// Reads members of an object with errors that say where.
struct MachineMembers {
  private let object: JSONObject
  private let path: String

  init(_ object: JSONObject, path: String) {
    self.object = object
    self.path = path
  }

  func wrong(_ name: String, _ needs: String) -> MachineError {
    .member(path.isEmpty ? name : "\(path).\(name)", needs: needs)
  }

  /// `nil` for what is absent; null is absent too.
  private func value(_ name: String) -> JSONValue? {
    object[name] == .null ? nil : object[name]
  }

  /// Text for terminals and files; empty if absent.
  func text(_ name: String) throws(MachineError) -> String {
    guard let value = value(name) else { return "" }
    guard let text = value.string, isPlainText(text) else {
      throw wrong(
        name, "text of at most \(MachineLimits.textBytesMax) bytes without control characters")
    }
    return text
  }

  func word(
    _ name: String, _ needs: String, _ isGood: (String) -> Bool
  ) throws(MachineError) -> String {
    let text = try text(name)
    guard text.isEmpty || isGood(text) else { throw wrong(name, needs) }
    return text
  }

  func bus() throws(MachineError) -> MachineDescription.Bus {
    let text = try text("bus")
    guard isBusName(text) else { throw wrong("bus", "the name of a bus, such as \"scsi\"") }
    return MachineDescription.Bus(rawValue: text)
  }

  func integer<Number: BinaryInteger>(
    _ name: String, in range: ClosedRange<Number>
  ) throws(MachineError) -> Number? {
    guard let value = value(name) else { return nil }
    guard let number = value.integer.flatMap({ Number(exactly: $0) }), range.contains(number)
    else { throw wrong(name, "a number from \(range.lowerBound) to \(range.upperBound)") }
    return number
  }

  func flag(_ name: String) throws(MachineError) -> Bool {
    guard let value = value(name) else { return false }
    guard let flag = value.bool else { throw wrong(name, "true or false") }
    return flag
  }

  func object(_ name: String) throws(MachineError) -> MachineMembers? {
    guard let value = value(name) else { return nil }
    guard let object = value.object else { throw wrong(name, "an object") }
    return MachineMembers(object, path: path.isEmpty ? name : "\(path).\(name)")
  }

  func list<Element>(
    _ name: String, atMost count: Int,
    _ make: (MachineMembers) throws(MachineError) -> Element
  ) throws(MachineError) -> [Element] {
    guard let value = value(name) else { return [] }
    guard let array = value.array, array.count <= count else {
      throw wrong(name, "a list of at most \(count)")
    }
    var list: [Element] = []
    for (index, element) in array.enumerated() {
      let place = "\(name)[\(index)]"
      guard let object = element.object else { throw wrong(place, "an object") }
      list.append(try make(MachineMembers(object, path: place)))
    }
    return list
  }
}
