internal import JSON
internal import Requests
internal import Sandbox
internal import System

/// What `qemu-img info` tells about one level of an image.
struct ImageFacts: Equatable {
  let virtualBytes: UInt64
  let backingName: String?
  let backingFormat: String?
  let dataFileName: String?
  let isEncrypted: Bool
  /// QEMU found its tables damaged once, and has marked it.
  let isCorrupt: Bool

  /// - Parameter text: The JSON that `qemu-img info --output=json` prints.
  init(parsing text: [UInt8]) throws(JSONError) {
    let value = try JSONValue(parsing: text)
    guard let bytes = value["virtual-size"]?.integer, bytes >= 0 else {
      throw .malformed(line: 1, reason: "no virtual-size")
    }
    virtualBytes = UInt64(bytes)
    backingName = value["backing-filename"]?.string
    backingFormat = value["backing-filename-format"]?.string
    dataFileName = value["format-specific"]?["data"]?["data-file"]?.string
    isEncrypted = value["encrypted"]?.bool ?? false
    isCorrupt = value["format-specific"]?["data"]?["corrupt"]?.bool ?? false
  }
}

/// Runs `qemu-img info` on one level, in the sandbox: the parser of a hostile header is QEMU's.
struct ImageTool {
  let launcher: String
  let mode: SandboxMode

  /// A healthy image takes 20 ms.
  private static let deadlineSeconds = 30
  /// Snapshots and bitmaps are listed too: up to some thousand of them.
  private static let outputBytesMax = 4 << 20

  /// - Parameters:
  ///   - file: The level's own; no other level is visible to QEMU.
  ///   - extents: Other files of the level that QEMU will open by their names.
  func facts(
    of file: ImageFile, format: ImageFormat, extents: [ImageFile]
  ) throws(SourceError) -> ImageFacts {
    let path = file.path
    let output = try lifted { () throws(SystemCallError) in
      try CapturedWords(limit: Self.outputBytesMax, name: "output of qemu-img")
    }
    let words = try lifted { () throws(SystemCallError) in
      try CapturedWords(limit: 64 << 10, name: "words of qemu-img")
    }
    let end = try run(
      ["info", "--output=json", "-U", "-f", format.rawValue, path],
      policy: .storageDaemon(files: ([file] + extents).map(\.grant), imageCount: 1), output, words)
    switch end {
    case .exited(0): break
    case .exited: throw .notAnImage(path: path, format: format, words: words.lastWords())
    case .signalled(let signal):
      throw .toolFailed(name: "qemu-img", words: "signal \(signal); \(words.lastWords())")
    case .stopped(let reason): throw .sandbox(words: reason)
    }
    do { return try ImageFacts(parsing: output.bytes()) } catch {
      throw .toolFailed(name: "qemu-img", words: "unexpected output for \(path)")
    }
  }

  private func run(
    _ arguments: [String], policy: SandboxPolicy, _ output: CapturedWords, _ words: CapturedWords
  ) throws(SourceError) -> ProcessEnd {
    let null = try lifted { () throws(SystemCallError) in try openFile("/dev/null", flags: 2) }
    let process = try HelperProcess(
      name: "qemu-img", arguments: arguments,
      descriptors: [(null.raw, 0), (output.descriptor, 1), (words.descriptor, 2)],
      policy: policy, launcher: launcher, mode: mode)
    let deadline = MonotonicTime.now.advanced(bySeconds: Double(Self.deadlineSeconds))
    guard let end = try process.waitForEnd(until: deadline) else {
      throw .notInTime(
        doing: "qemu-img info", seconds: Self.deadlineSeconds, words: words.lastWords())
    }
    return end
  }
}
