internal import System

/// The words of the command line, the program's name left out.
///
/// Swift's own repair what is not valid UTF-8 to names that the user never said; these are names as
/// ``nameText(_:)`` has them.
enum ProgramArguments {
  static let words: [String] = OptionalValues.separated(given)

  private static let given: [String] = (1..<max(1, Int(CommandLine.argc))).compactMap { number in
    guard let word = unsafe CommandLine.unsafeArgv[number] else { return nil }
    return unsafe nameText(cString: word)
  }
}
