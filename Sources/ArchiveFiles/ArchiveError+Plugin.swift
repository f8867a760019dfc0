public import ArchiveBytes
public import WriterKit

/// What the format throws, as a plugin says it.
public func plugin<Value>(_ body: () throws(ArchiveError) -> Value) throws(PluginError) -> Value {
  do { return try body() } catch {
    throw PluginError(error.code, error.message, errno: error.errno)
  }
}

extension ArchiveError {
  /// What the kit throws, on its way through the format.
  public init(_ error: PluginError) {
    self.init(error.code, error.message, errno: error.errno)
  }
}
