internal import ArgumentParser
internal import Requests
internal import Sandbox

/// How a plugin is tried, and where what it makes goes: options of `plugin check`, `replay`
/// and `bench`.
struct TrialOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "auto: warn of sandbox layers that the kernel lacks; strict: refuse to run without them; "
        + "off: run the plugin with your rights, to compare", valueName: "auto|strict|off"))
  var sandbox = TrialSandbox.auto

  @Option(
    name: .customLong("scratch-dir"),
    help: ArgumentHelp("Directory for archives that are made and read", valueName: "dir"))
  var scratchDirectory = Defaults.scratchDirectory
}

/// Whether, and how strictly, the plugin under test is confined.
enum TrialSandbox: String, ExpressibleByArgument {
  case auto, strict, off

  var mode: SandboxMode? {
    switch self {
    case .auto: .auto
    case .strict: .strict
    case .off: nil
    }
  }
}
