/// Properties that a script could set again, and that a backup asks for.
package enum StartedProperty {
  /// How the property `name` of a device is recorded, since the device has a name, too.
  package static let portName = "port-name"

  /// Of a device.
  package static func isWanted(_ name: String) -> Bool {
    DeviceRules.isKnown(property: name) || DeviceRules.references.contains(name)
  }

  /// Of the machine.
  package static func isWantedOfMachine(_ name: String) -> Bool {
    OptionRule.machine.contains(name) || name == "smp" || name == "memory" || name == "boot"
  }
}
