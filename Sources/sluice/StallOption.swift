internal import ArgumentParser

/// How long a plugin may make no progress; an option of every verb that runs one.
struct StallOption: ParsableArguments {
  @Option(
    name: .customLong("stall-limit"),
    help: ArgumentHelp(
      "Abort a plugin that makes no progress for this long", valueName: "seconds"))
  var seconds = 600.0

  func validate() throws {
    guard seconds > 0 && seconds < 1e9 else {
      throw ValidationError("--stall-limit must be a number of seconds greater than 0")
    }
  }
}
