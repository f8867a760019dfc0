internal import ArgumentParser

/// Whether all that plugins say about themselves is shown.
struct VerboseOption: ParsableArguments {
  @Flag(help: "Print all that plugins log, and write to standard output and standard error")
  var verbose = false

  /// - Throws: `ValidationError` if the user wants to see more and less.
  func check(_ common: CommonOptions) throws {
    if verbose && common.quiet {
      throw ValidationError("--verbose and --quiet exclude each other")
    }
  }
}
