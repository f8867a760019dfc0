internal import ArgumentParser
internal import JobSupport

/// How a command ends that was not run to its end: by its own error, which has been shown, by the
/// parser's, or because it was to show its help.
extension Sluice {
  /// Shows what there is to say.
  ///
  /// - Returns: The exit status.
  static func conclude(_ error: any Error) -> Int32 {
    if let error = error as? UnknownCommand {
      refuse(error.text)
      return CommandStatus.usage.rawValue
    }
    let status = exitCode(for: error).rawValue
    let message = fullMessage(for: error)
    if message.isEmpty { return status }
    if status == CommandStatus.success.rawValue {
      LineOutput.standard.write(message)
    } else {
      refuse(usageError(message))
    }
    return status
  }

  /// A usage error, for tools too.
  private static func refuse(_ text: String) {
    write(text, to: 2)
    guard wantsJSON else { return }
    let line = text.prefix { $0 != "\n" }
    let message = line.hasPrefix(_errorPrefix) ? line.dropFirst(_errorPrefix.count) : line
    write(event: JobError(.usage, String(message)).json)
  }

  /// Whether a command line that cannot be parsed asks for JSON, and nothing else is to be there.
  private static var wantsJSON: Bool {
    let words = ProgramArguments.words.prefix { $0 != "--" }
    return words.contains("--json") && !words.contains { $0.hasSuffix("=-") }
  }

  /// An error of ArgumentParser in the style of all others: no capital letter after the prefix.
  static func usageError(_ message: String) -> String {
    guard message.hasPrefix(_errorPrefix) else { return message }
    let text = message.dropFirst(_errorPrefix.count)
    let error = text.prefix(1).lowercased() + text.dropFirst()
    let exclusive = /^value to be set with flag ('.+') had already been set with flag ('.+')/
    return _errorPrefix
      + error.replacing(exclusive.anchorsMatchLineEndings()) {
        "\($0.output.1) and \($0.output.2) cannot be used together"
      }
  }
}
