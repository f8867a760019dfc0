internal import ArgumentParser
internal import JSON
internal import JobSupport

/// `sluice version`
struct Version: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Show the version of Sluice")

  @Flag(help: "Print JSON to standard output, one object per line")
  var json = false

  func run() {
    guard json else { return write(Sluice.configuration.version, to: 1) }
    write(event: ["schema": 1, "event": "version", "version": .string(ownVersion)])
  }
}
