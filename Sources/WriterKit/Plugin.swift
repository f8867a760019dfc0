internal import BackupProtocol
internal import CLinux
internal import Glibc

/// A plugin: what it is and the code behind it. Its `main` makes one and calls ``run()``.
///
/// ```swift
/// @main struct Main {
///   static func main() {
///     Plugin(manifest: manifestText, formats: ["mine": (MyWriter.self, MyReader.self)]).run()
///   }
/// }
/// ```
///
/// The process has one thread, which blocks. It needs no `/proc` and gets no arguments: all it
/// learns comes from the environment and the wire. Specified in protocol.md §2.1.
public struct Plugin {
  /// The code of a format: a writer, if the manifest has the mode `write` for it, and a reader, if
  /// it has `read`.
  public typealias Code = (
    writer: (any ArchiveWriter.Type)?, reader: (any ArchiveReader.Type)?
  )

  let manifest: Manifest
  private let code: [String: Code]
  private let text: [UInt8]

  /// - Parameters:
  ///   - manifest: The JSON that lies beside the executable. Text that is none, or that has other
  ///     formats or modes than there is code for, stops the process with status 2 at its first
  ///     start: a mistake of the author's.
  ///   - formats: The code of each format, by its name in the manifest.
  public init(manifest text: [UInt8], formats: [String: Code]) {
    do {
      manifest = try Manifest(parsing: text)
    } catch {
      Plugin.leave("this plugin carries a manifest that is \(error)", status: 2)
    }
    self.text = text
    code = formats
    if let mistake = Self.mistake(manifest, formats) { Plugin.leave(mistake, status: 2) }
  }

  /// As in the manifest and in HELLO_ACK.
  public var name: String { manifest.name }
  /// As in the manifest and in HELLO_ACK.
  public var version: String { manifest.version }

  /// Whether maps are asked for before the first stream.
  var wantsMap: Bool { manifest.needs.contains(.map) }
  /// Whether parts of a stream may be asked for, of some format at least.
  var readsRanges: Bool { code.values.contains { $0.reader?.readsRanges ?? false } }

  /// The code of a format, and what the manifest says of it.
  func format(_ name: String) -> (ManifestFormat, Code)? {
    guard let format = manifest.formats.first(where: { $0.name == name }) else { return nil }
    return code[name].map { (format, $0) }
  }

  /// Where manifest and code do not say the same.
  private static func mistake(_ manifest: Manifest, _ code: [String: Code]) -> String? {
    for format in manifest.formats {
      guard let code = code[format.name] else {
        return "the manifest has a format \(format.name), of which there is no code"
      }
      if format.modes.contains(.write) != (code.writer != nil) {
        return "of format \(format.name), only one of manifest and code can write"
      }
      if format.modes.contains(.read) != (code.reader != nil) {
        return "of format \(format.name), only one of manifest and code can read"
      }
    }
    let known = manifest.formats.map(\.name)
    return code.keys.sorted().first { !known.contains($0) }
      .map { "there is code for a format \($0), which the manifest does not have" }
  }

  /// Does what the environment's `SLUICE_PROTOCOL` says, and ends the process.
  ///
  /// `1`: the session on descriptors 3 to 6, then status 0 or 1. `info`: prints the manifest,
  /// status 0. Absent: says what this program is, status 2. With `SLUICE_TRACE=1` every frame is
  /// told on standard error.
  public func run() -> Never {
    switch unsafe getenv("SLUICE_PROTOCOL").map({ unsafe String(cString: $0) }) {
    case "1":
      clinux_ignore_sigpipe()
      clinux_ignore_sigxfsz()
      let isTraced = unsafe getenv("SLUICE_TRACE").map { unsafe strcmp($0, "1") == 0 } ?? false
      exit(Session(self, input: 3, output: 4, pool: 5, target: 6, isTraced: isTraced).run())
    case "info":
      Plugin.write(text, to: 1)
      exit(0)
    case let other?:
      Plugin.leave("\(name) speaks protocol 1, not \(other)", status: 2)
    case nil:
      Plugin.leave(
        "I am a Sluice plugin: \(name) \(version). Programs start me, not people; "
          + "try: sluice plugin info \(manifest.formats[0].name)", status: 2)
    }
  }

  private static func leave(_ message: String, status: Int32) -> Never {
    write(Array("\(message)\n".utf8), to: 2)
    exit(status)
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { buffer in
        unsafe buffer.baseAddress.map { unsafe clinux_write(descriptor, $0, buffer.count) } ?? 0
      }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }
}
