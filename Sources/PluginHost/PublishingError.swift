package import System

/// Why an archive has no place, or did not get its name.
package enum PublishingError: Error, Sendable {
  /// The path cannot name an archive.
  case badName(String)
  /// Something has the final name already.
  case exists(String)
  /// Another job writes to the same name.
  case inUse(String)
  /// The plugin left something that it did not announce, or that is no plain file or directory.
  case foreignObject(String)
  /// The plugin left more files than a host will walk.
  case tooManyFiles(Int)
  /// The plugin left directories further within each other than a host will go.
  case tooDeep(Int)
  /// The plugin's own receipt is missing or says something else than what was sent.
  case badReceipt(plugin: String, String)
  /// A file the plugin said it made is not there, or of another length.
  case missingArtefact(String)
  /// The plugin left not one byte other than zero, of streams that have some.
  case nothingWritten
  case system(SystemCallError)
}

extension PublishingError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .badName(let path): "\"\(path)\" cannot be the name of an archive"
    case .exists(let path): "\(path) exists; an archive is never replaced"
    case .inUse(let path): "another job is writing \(path)"
    case .foreignObject(let name):
      "the plugin left \"\(sanitised(name.utf8))\", which it did not announce or is no plain file"
    case .tooManyFiles(let most): "the plugin left more than \(most) files"
    case .tooDeep(let most): "the plugin left directories more than \(most) deep"
    case .badReceipt(let plugin, let reason):
      "plugin \"\(plugin)\" left no proper receipt: \(reason)"
    case .missingArtefact(let name):
      "the plugin says it made \"\(sanitised(name.utf8))\", which is not there as it says"
    case .nothingWritten:
      "the plugin says the archive is complete, and has written nothing into it"
    case .system(let error): "\(error)"
    }
  }
}
