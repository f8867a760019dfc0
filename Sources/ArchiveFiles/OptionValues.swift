package import WriterKit

/// What an option of a job may be, for every plugin that writes archives into files.
extension JSONObject.Member {
  /// - Throws: E_BAD_OPTION if it is neither `true` nor `false`.
  package func flag() throws(PluginError) -> Bool {
    guard let flag = value.bool else { throw refusal("true or false") }
    return flag
  }

  /// - Throws: E_BAD_OPTION with what a compression may be.
  package func compression() throws(PluginError) -> Compression {
    guard let compression = value.string.flatMap(Compression.init(option:)) else {
      throw refusal(Compression.expected)
    }
    return compression
  }

  private func refusal(_ expected: String) -> PluginError {
    PluginError(.badOption, "option \"\(name)\" is not \(expected)")
  }
}
