import CommandLine
import BackupProtocol
import ScriptedHost

/// The format `vma`.
let workshop = Workshop(plugin: "sluice-writer-vma", format: "vma")

/// The plugin in write mode, up to its HELLO_ACK.
func startWriter(_ file: ScratchArchive, _ talk: Talk = Talk()) throws -> PluginProcess {
  try workshop.startWriter(file, talk)
}

/// A whole archive of the contents.
func write(_ contents: [Content], _ talk: Talk = Talk()) throws -> ScratchArchive {
  try workshop.write(contents, talk)
}

/// The plugin in read mode, up to its HELLO_ACK.
func startReader(_ file: ScratchArchive, _ talk: Talk = Talk()) throws -> PluginProcess {
  try workshop.startReader(file, talk)
}

/// Reads every stream of an archive, in the order that the plugin says.
func readAll(
  _ file: ScratchArchive, _ mode: Job.Mode = .verify, _ talk: Talk = Talk(), hasScratch: Bool = true
) throws -> Outcome {
  try workshop.readAll(file, mode, talk, hasScratch: hasScratch)
}
