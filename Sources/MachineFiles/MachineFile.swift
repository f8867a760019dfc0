package import Machine

/// What a file tells of a machine, before it is known which streams a job has.
package struct ToldMachine: Equatable, Sendable {
  package var description: MachineDescription
  /// For each disk of the description, by what names or files a stream may be known as it.
  package var aliases: [[String]]

  package init(_ description: MachineDescription, aliases: [[String]] = []) {
    self.description = description
    self.aliases = aliases
  }
}
