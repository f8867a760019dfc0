internal import ArgumentParser
internal import Requests

/// How long a plugin may make no progress; an option of every verb that runs one.
struct StallOption: ParsableArguments {
  @Option(
    name: .customLong("stall-limit"),
    help: ArgumentHelp(
      "Abort a plugin that makes no progress for this long", valueName: "seconds"))
  var seconds = Defaults.stallLimit

  func validate() throws {
    try validating { () throws(RequestError) in try requireStallLimit(seconds) }
  }
}
