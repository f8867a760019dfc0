package import Requests
package import System

/// Why an image could not be read.
///
/// QEMU's output inside a case is sanitised (`CapturedWords`): bounded, without control characters.
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
  case vhostUserLacking
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
    case .missing(let path): "\(path): no such file"
    case .permissionDenied(let path): "\(path): permission denied"
    case .notAFile(let path): "\(path) is neither a regular file nor a block device"
    case .formatUnknown(let path, let looksLike): Self.unknownText(path, looksLike)
    case .formatMismatch(let path, let said, let looks): Self.mismatchText(path, said, looks)
    case .directoryUnusable(let path):
      "--allow-backing: cannot use directory \(path)"
    case .nameRefused(let name, let image, let why): Self.refusalText(name, image, why)
    case .backingFormatMissing(let backing, let image): Self.noFormatText(backing, image)
    default: imageText ?? serviceText
    }
  }

  private var imageText: String? {
    switch self {
    case .notAnImage(let path, let format, let words):
      "cannot open \(path) as \(format.rawValue): \(words)"
    case .unsupported(let path, let what): "\(path) \(what)"
    case .inUse(let path):
      "\(path) is in use (open for writing, for instance by a running VM); shut it down first"
    case .changed(let path):
      "\(path) was replaced by another file while it was inspected; try again, and check who can "
        + "write to its directory"
    case .chainTooDeep(let path, let limit):
      "\(path) has more than \(limit) backing files; flatten it with qemu-img convert"
    case .chainLoop(let path): "\(path) is its own backing file"
    default: nil
    }
  }

  private var serviceText: String {
    switch self {
    case .toolMissing(let name):
      "\(name) is not installed; \(QEMUPackages().advice(for: name))"
    case .toolFailed(let name, let words): "\(name) failed: \(words)"
    case .daemonGone(let words): "qemu-storage-daemon exited: \(words)"
    case .exportGone: "QEMU has exited or removed the export"
    case .notInTime(let doing, let seconds, let words):
      "timeout: \(doing) took longer than \(seconds) s" + (words.isEmpty ? "" : ": \(words)")
    case .protocolBroken(let what): "protocol error from QEMU: \(what)"
    case .vhostUserLacking: "protocol error from QEMU: this QEMU lacks vhost-user features"
    case .refused(let doing, let words): "\(doing) failed: \(words)"
    case .system(let error): error.description
    case .sandbox(let words): words
    default: "the image cannot be used"
    }
  }

  private static func unknownText(_ path: String, _ looksLike: ImageFormat?) -> String {
    let hint = looksLike.map { "; it looks like \($0.rawValue)" } ?? ""
    return "cannot tell the format of \(path) from its name\(hint); add format=, such as format="
      + (looksLike ?? .raw).rawValue
  }

  private static func mismatchText(
    _ path: String, _ said: ImageFormat, _ looksLike: ImageFormat?
  ) -> String {
    let found = looksLike.map { ", it looks like \($0.rawValue)" } ?? ""
    return "\(path) is not a \(said.rawValue) image\(found); specify its format with format="
  }

  private static func refusalText(_ name: String, _ image: String, _ why: NameFault) -> String {
    let start = "\(image) refers to “\(name)”, which "
    return switch why {
    case .notAPlainFile: start + "is not a plain local file; such references are never followed"
    case .link: start + "is a symbolic link; name its target instead (qemu-img rebase -u)"
    case .malformed: start + "is not a usable file name"
    case .elsewhere: start + "is outside the image's directory"
    }
  }

  private static func noFormatText(_ backing: String, _ image: String) -> String {
    "\(image) does not record the format of its backing file, and guessing it would be unsafe; "
      + "record it with qemu-img rebase -u -F FORMAT -b '\(backing)' '\(image)'"
  }
}

/// Runs `body` and lifts a failed system call into the module's own error.
func lifted<Result: ~Copyable>(
  _ body: () throws(SystemCallError) -> Result
) throws(SourceError) -> Result {
  do { return try body() } catch { throw .system(error) }
}
