package import ArchiveBytes
package import WriterKit

/// What the format throws, as a plugin says it.
package func plugin<Value>(_ body: () throws(ArchiveError) -> Value) throws(PluginError) -> Value {
  do { return try body() } catch {
    throw PluginError(error.code, error.message, errno: error.errno)
  }
}

extension ArchiveError {
  /// What the kit throws, on its way through the format.
  package init(_ error: PluginError) {
    self.init(error.code, error.message, errno: error.errno)
  }
}
