package import BackupProtocol
package import System

/// Why a target cannot be used, or an archive could not be published under its name.
///
/// Texts follow "cannot create PATH" or "cannot publish PATH".
package enum PublishingError: Error, Sendable {
  /// Not a valid name for an archive, and why.
  case badName(String, String)
  /// The final name already exists.
  case exists(String)
  /// Another job of this machine is making an archive of that name: its process.
  case taken(String, byProcess: Int64)
  /// The plugin left an object that it did not announce, or that is not a file or directory.
  case foreignObject(String)
  /// The plugin left more files than the host accepts.
  case tooManyFiles(Int)
  /// The plugin left directories nested deeper than the host accepts.
  case tooDeep(Int)
  /// The plugin's own receipt is missing, invalid or does not match what was sent.
  case badReceipt(plugin: String, String)
  /// A file that the plugin announced is missing or has a different size.
  case missingArtefact(String)
  /// The plugin wrote no byte other than zero, although the streams have some.
  case nothingWritten
  /// Another user can rename files in the directory of root's archive.
  case sharedDirectory(String)
  /// A process outside the sandbox has a file of the archive open for writing.
  case stillWritten(String)
  /// After publishing, the name belongs to another file.
  case exchanged(String)
  /// The archive is complete and has its name, which a power failure may still undo.
  case notSynced(String, SystemCallError)
  case system(SystemCallError)
}

extension PublishingError {
  /// What of the protocol the plugin broke, if it did.
  package var rule: ProtocolRule? {
    switch self {
    case .foreignObject, .tooManyFiles, .tooDeep, .missingArtefact, .nothingWritten, .stillWritten:
      Misconduct.archive.rule
    case .badReceipt: Misconduct.receipt.rule
    case .badName, .exists, .taken, .sharedDirectory, .exchanged, .notSynced, .system: nil
    }
  }
}

extension PublishingError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .badName(_, let reason): "invalid name: \(reason)"
    case .exists(let path): "\(path) already exists"
    case .taken(_, let process): "another job (process \(process)) is writing it"
    case .foreignObject(let name):
      "the plugin left \"\(sanitised(name.utf8))\", which is unannounced or not a regular file"
    case .tooManyFiles(let most): "the plugin created more than \(most) files"
    case .tooDeep(let most): "the plugin created directories nested more than \(most) deep"
    case .badReceipt(let plugin, let reason):
      "invalid receipt from plugin \"\(plugin)\": \(reason)"
    case .missingArtefact(let name):
      "\"\(sanitised(name.utf8))\" is missing or does not have the size that the plugin announced"
    case .nothingWritten: "the plugin reported success but wrote no data"
    case .sharedDirectory:
      "another user can write to its directory and could replace the file"
    case .stillWritten(let name):
      "another process still has \"\(sanitised(name.utf8))\" open for writing"
    case .exchanged: "it was replaced by another file while it was renamed"
    case .notSynced(_, let error):
      "the archive is complete and was renamed, but its directory could not be synced: \(error)"
    case .system(let error): "\(error)"
    }
  }
}
