import CommandLine
import BackupProtocol
import ScriptedHost

private let workshop = DirectoryWorkshop(plugin: "sluice-writer-raw", format: "raw")

/// The plugin in write mode, up to its HELLO_ACK.
func startWriter(_ place: Scratch, _ talk: Talk = Talk()) throws -> PluginProcess {
  try workshop.startWriter(place, talk)
}

/// A whole archive of the contents.
@discardableResult
func write(
  _ contents: [Content], to place: Scratch, _ talk: Talk = Talk()
) throws -> Finished {
  try workshop.write(contents, to: place, talk)
}

/// The plugin in read mode, up to its HELLO_ACK.
func startReader(
  _ place: Scratch, _ talk: Talk = Talk(), features: [String] = ["random-read"]
) throws -> PluginProcess {
  try workshop.startReader(place, talk, features: features)
}

/// FINISH and a good end of a reader.
func finish(_ plugin: PluginProcess) throws { try workshop.finishReading(plugin) }
