package import System

/// Why bytes of an image could not be had.
///
/// Words of QEMU inside a case are cleaned (`CapturedWords`): bounded, without control characters.
package enum SourceError: Error, Equatable, Sendable {
  // What the caller named.
  case missing(path: String)
  case permissionDenied(path: String)
  case notAFile(path: String)
  /// The suffix says nothing; `looksLike` is what the first bytes resemble.
  case formatUnknown(path: String, looksLike: ImageFormat?)
  case formatMismatch(path: String, said: ImageFormat, looksLike: ImageFormat?)
  case directoryUnusable(path: String)

  // What the image says.
  case notAnImage(path: String, format: ImageFormat, words: String)
  case unsupported(path: String, what: String)
  case inUse(path: String)
  /// A name that led to another file when it was looked at again.
  case changed(path: String)
  case nameRefused(name: String, image: String, why: NameFault)
  case backingFormatMissing(backing: String, image: String)
  case chainTooDeep(path: String, limit: Int)
  case chainLoop(path: String)

  // QEMU.
  case toolMissing(name: String)
  case toolFailed(name: String, words: String)
  case daemonGone(words: String)
  /// A running machine's QEMU, or its export, has gone.
  case exportGone
  case notInTime(doing: String, seconds: Int, words: String)
  case protocolBroken(what: String)
  case refused(doing: String, words: String)
  case system(SystemCallError)
  case sandbox(words: String)

  /// Why a file name found inside an image is not followed.
  package enum NameFault: Equatable, Sendable {
    case notAPlainFile, link, elsewhere(directory: String), malformed
  }
}

extension SourceError: CustomStringConvertible {
  /// Cause, then remedy, for people.
  package var description: String {
    switch self {
    case .missing(let path): "there is no file \(path)"
    case .permissionDenied(let path): "\(path) may not be read by this user"
    case .notAFile(let path): "\(path) is neither a regular file nor a block device"
    case .formatUnknown(let path, let looksLike): Self.unknownText(path, looksLike)
    case .formatMismatch(let path, let said, let looks): Self.mismatchText(path, said, looks)
    case .directoryUnusable(let path):
      "the directory \(path) given to --allow-backing cannot be used"
    case .nameRefused(let name, let image, let why): Self.refusalText(name, image, why)
    case .backingFormatMissing(let backing, let image): Self.noFormatText(backing, image)
    default: imageText ?? serviceText
    }
  }

  private var imageText: String? {
    switch self {
    case .notAnImage(let path, let format, let words):
      "\(path) cannot be opened as \(format.rawValue): \(words)"
    case .unsupported(let path, let what): "\(path) \(what)"
    case .inUse(let path):
      "\(path) is open for writing elsewhere, for instance by a running virtual machine; "
        + "shut it down first"
    case .changed(let path):
      "\(path) was exchanged for another file while it was looked at; try again, and ask who may "
        + "write to its directory"
    case .chainTooDeep(let path, let limit):
      "\(path) stands on more than \(limit) backing files; flatten it with qemu-img convert"
    case .chainLoop(let path): "\(path) is its own backing file"
    default: nil
    }
  }

  private var serviceText: String {
    switch self {
    case .toolMissing(let name):
      "\(name) is not installed; \(QEMUPackages().advice(for: name))"
    case .toolFailed(let name, let words): "\(name) failed: \(words)"
    case .daemonGone(let words): "qemu-storage-daemon has ended: \(words)"
    case .exportGone: "QEMU has ended, or took the export away"
    case .notInTime(let doing, let seconds, let words):
      "\(doing) took longer than \(seconds) s" + (words.isEmpty ? "" : ": \(words)")
    case .protocolBroken(let what): "QEMU broke the protocol: \(what)"
    case .refused(let doing, let words): "\(doing) was refused: \(words)"
    case .system(let error): error.description
    case .sandbox(let words): words
    default: "the image cannot be used"
    }
  }

  private static func unknownText(_ path: String, _ looksLike: ImageFormat?) -> String {
    let hint = looksLike.map { "; it looks like \($0.rawValue)" } ?? ""
    return "the name \(path) does not tell its format\(hint); add format=, for instance format="
      + (looksLike ?? .raw).rawValue
  }

  private static func mismatchText(
    _ path: String, _ said: ImageFormat, _ looksLike: ImageFormat?
  ) -> String {
    let found = looksLike.map { "looks like \($0.rawValue)" } ?? "does not look like it"
    return "\(path) should be \(said.rawValue) but \(found); give the right one with format="
  }

  private static func refusalText(_ name: String, _ image: String, _ why: NameFault) -> String {
    let start = "\(image) refers to “\(name)”, which "
    return switch why {
    case .notAPlainFile: start + "is not a plain local file; such references are never followed"
    case .link: start + "is a symbolic link; name its target instead (qemu-img rebase -u)"
    case .malformed: start + "is not a usable file name"
    case .elsewhere(let directory):
      start + "lies outside the image's directory; if you trust it: --allow-backing \(directory)"
    }
  }

  private static func noFormatText(_ backing: String, _ image: String) -> String {
    "\(image) does not record the format of its backing file, and guessing it would be unsafe; "
      + "record it: qemu-img rebase -u -F FORMAT -b '\(backing)' '\(image)'"
  }
}

/// Runs `body` and lifts a failed system call into the module's own error.
func lifted<Result: ~Copyable>(
  _ body: () throws(SystemCallError) -> Result
) throws(SourceError) -> Result {
  do { return try body() } catch { throw .system(error) }
}
