internal import ArgumentParser

/// How long a plugin may stand still, of every verb that runs one.
struct StallOption: ParsableArguments {
  @Option(
    name: .customLong("stall-limit"),
    help: ArgumentHelp(
      "Give a plugin up after so long without any progress.", valueName: "seconds"))
  var seconds = 600.0

  func validate() throws {
    guard seconds > 0 && seconds < 1e9 else {
      throw ValidationError("--stall-limit is a number of seconds above 0")
    }
  }
}
