internal import CLinux
internal import Glibc

/// A plugin: what it is and the code behind it. Its `main` makes one and calls ``run()``.
///
/// ```swift
/// @main struct Main {
///   static func main() {
///     Plugin(manifest: manifestText, writer: MyWriter.self, reader: MyReader.self).run()
///   }
/// }
/// ```
///
/// The process has one thread, which blocks. It needs no `/proc` and gets no arguments: all it
/// learns comes from the environment and the wire. Specified in protocol.md §2.1.
public struct Plugin {
  /// As in the manifest and in HELLO_ACK.
  public let name: String
  /// As in the manifest and in HELLO_ACK.
  public let version: String
  /// Formats this plugin knows.
  public let formats: [String]
  /// Whether the writer is to get allocation maps before the first stream.
  public let wantsMap: Bool
  let writer: any ArchiveWriter.Type
  let reader: (any ArchiveReader.Type)?
  private let manifest: [UInt8]

  /// - Parameters:
  ///   - manifest: The JSON that lies beside the executable. Text that is none stops the process
  ///     with status 2 at its first start: a mistake of the author's.
  ///   - wantsMap: See ``ArchiveWriter/map(_:_:)``.
  public init(
    manifest: [UInt8], writer: any ArchiveWriter.Type, reader: (any ArchiveReader.Type)? = nil,
    wantsMap: Bool = false
  ) {
    do {
      let parsed = try Manifest(parsing: manifest)
      name = parsed.name
      version = parsed.version
      formats = parsed.formats.map(\.name)
    } catch {
      Plugin.leave("this plugin carries a manifest that is \(error)", status: 2)
    }
    self.manifest = manifest
    self.writer = writer
    self.reader = reader
    self.wantsMap = wantsMap
  }

  /// Does what the environment's `SLUICE_PROTOCOL` says, and ends the process.
  ///
  /// `1`: the session on descriptors 3 to 6, then status 0 or 1. `info`: prints the manifest,
  /// status 0. Absent: says what this program is, status 2.
  public func run() -> Never {
    switch unsafe getenv("SLUICE_PROTOCOL").map({ unsafe String(cString: $0) }) {
    case "1":
      clinux_ignore_sigpipe()
      clinux_ignore_sigxfsz()
      exit(Session(self, input: 3, output: 4, pool: 5, target: 6).run())
    case "info":
      Plugin.write(manifest, to: 1)
      exit(0)
    case let other?:
      Plugin.leave("\(name) speaks protocol 1, not \(other)", status: 2)
    case nil:
      Plugin.leave(
        "I am a Sluice plugin: \(name) \(version). Programs start me, not people; "
          + "try: sluice plugin info \(formats[0])", status: 2)
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
