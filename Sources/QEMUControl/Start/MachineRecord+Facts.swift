package import JSON
package import MachineStart

extension MachineRecord {
  /// The machine as ``GuestMachine/description`` tells it, fresh or out of an archive.
  ///
  /// - Parameter facts: Of any origin; what is not as QEMU writes it is taken for unknown.
  package init(facts: JSONValue) {
    var names = DeviceNames()
    let entries = facts["query-block"]?.array ?? []
    let drives = entries.prefix(DeviceInspector.deviceCountMax).map { entry in
      let (backEnd, qdev) = (entry["device"]?.string ?? "", entry["qdev"]?.string)
      let medium = entry["inserted"]
      // As the backup names them: the same drives in the same order.
      let name = names.name(
        device: backEnd, qdev: qdev, nodeName: medium?["node-name"]?.string)
      return Drive(
        stream: name, backEnd: backEnd, qdev: qdev ?? "", node: medium?["node-name"]?.string ?? "",
        isReadOnly: medium?["ro"]?.bool ?? false)
    }
    self.init(facts: facts, drives: drives)
  }
}
