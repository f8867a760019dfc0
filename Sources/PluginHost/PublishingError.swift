package import System

/// Why an archive has no place, or did not get its name.
package enum PublishingError: Error, Sendable {
  /// The path cannot name an archive, and why.
  case badName(String, String)
  /// Something has the final name already.
  case exists(String)
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
  /// Another user may change names in the directory of root's archive.
  case sharedDirectory(String)
  /// A process outside of the sandbox has a file of the archive open for writing.
  case stillWritten(String)
  /// The name leads to another file than the one that got it.
  case exchanged(String)
  /// The archive is complete and has its name, which a power cut may still take away.
  case notSynced(String, SystemCallError)
  case system(SystemCallError)
}

extension PublishingError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .badName(let path, let reason): "\"\(path)\" cannot be the name of an archive: \(reason)"
    case .exists(let path): "\(path) exists; an archive is never replaced"
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
    case .sharedDirectory(let path):
      "another user may write to the directory of \(path), and could put another file in its place"
    case .stillWritten(let name):
      "another process still has \"\(sanitised(name.utf8))\" open for writing"
    case .exchanged(let path): "\(path) was replaced by another file while it got its name"
    case .notSynced(let path, let error):
      "\(path) is complete and has its name, but its directory could not be synced: \(error)"
    case .system(let error): "\(error)"
    }
  }
}
