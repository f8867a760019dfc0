public import WriterKit

extension JobOptions {
  /// An option of type `string` that names a compression.
  ///
  /// - Throws: E_BAD_OPTION with what a compression may be.
  public func compression(_ name: String) throws(PluginError) -> Compression {
    guard let word = text(name) else { return .none }
    guard let compression = Compression(option: word) else {
      throw PluginError(.badOption, "option \"\(name)\" is not \(Compression.expected)")
    }
    return compression
  }
}
