public import JSON

extension MachineDescription {
  /// As JOB's `machine` and as a file has it; what is unknown is absent.
  public var object: JSONObject {
    var object = JSONObject()
    object.set("name", name)
    object.set("uuid", uuid)
    object.set("architecture", architecture)
    object.set("board", board)
    object.set("system", system)
    if let processors { object["processors"] = .object(processors.object) }
    if let memory { object["memory"] = JSONValue(memory) }
    if let firmware { object["firmware"] = .object(firmware.object) }
    object.set("controllers", controllers.map(\.object))
    object.set("disks", disks.map(\.object))
    object.set("nics", networkCards.map(\.object))
    return object
  }
}

extension MachineDescription.Processors {
  fileprivate var object: JSONObject {
    var object: JSONObject = ["count": JSONValue(count)]
    object.set("sockets", sockets)
    object.set("cores", cores)
    object.set("threads", threads)
    object.set("model", model)
    return object
  }
}

extension MachineDescription.Firmware {
  fileprivate var object: JSONObject {
    var object: JSONObject = ["kind": .string(kind.rawValue)]
    if isSecureBoot { object["secure_boot"] = true }
    return object
  }
}

extension MachineDescription.Controller {
  fileprivate var object: JSONObject {
    var object: JSONObject = ["bus": .string(bus.rawValue), "index": JSONValue(index)]
    object.set("model", model)
    return object
  }
}

extension MachineDescription.Disk {
  fileprivate var object: JSONObject {
    var object = JSONObject()
    object.set("name", name)
    object.set("stream", stream)
    object["bus"] = .string(bus.rawValue)
    object.set("controller", controller)
    object.set("slot", slot)
    if media != .disk { object["media"] = .string(media.rawValue) }
    object.set("boot_order", bootOrder)
    object.set("serial", serial)
    return object
  }
}

extension MachineDescription.NetworkCard {
  fileprivate var object: JSONObject {
    var object = JSONObject()
    object.set("model", model)
    object.set("mac", mac)
    object.set("network", network)
    return object
  }
}

extension JSONObject {
  fileprivate mutating func set(_ name: String, _ text: String) {
    if !text.isEmpty { self[name] = .string(text) }
  }

  fileprivate mutating func set(_ name: String, _ number: Int?) {
    if let number { self[name] = JSONValue(number) }
  }

  fileprivate mutating func set(_ name: String, _ list: [JSONObject]) {
    if !list.isEmpty { self[name] = .array(list.map { .object($0) }) }
  }
}
