import BackupProtocol
import CommandLine
import Glibc
import ScriptedHost
import Testing

/// A plugin made with an SDK. The examples all know the format `reel`.
struct Example: Sendable, CustomTestStringConvertible {
  let language: String
  /// The program, beside its manifest.
  let program: String
  /// For `--plugin-path`.
  let folder: String
  let format: String

  var testDescription: String { language }
  /// As the tests start it without a sandbox.
  var workshop: Workshop { Workshop(plugin: "\(folder)/\(program)", format: format) }

  init(language: String, program: String, folder: String? = nil, format: String = "reel") {
    (self.language, self.program, self.format) = (language, program, format)
    self.folder = folder ?? "\(Self.folder)/\(language)"
  }

  /// Where the compilers are: what the tests start has a shorter one.
  static let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"

  /// What building all that this machine can build ended with; once.
  static let buildStatus = runAtOnce([
    "/usr/bin/env", "PATH=" + path,
    "/bin/sh", "-c", #"exec "$0" "$@" </dev/null >/dev/null 2>&1"#,
    Build.directory + "/../../../Plugins/sdk/build-examples", folder,
  ])

  /// Those that were built. If one could not be, all: their tests find nothing to start.
  static let all: [Example] = {
    guard buildStatus == 0 else { return known }
    return known.filter { access("\($0.folder)/\($0.program)", X_OK) == 0 }
  }()

  /// Pairs of one that writes and one that reads.
  static let pairs: [(Example, Example)] = all.flatMap { writer in all.map { (writer, $0) } }

  /// Those that run in the sandbox of this version of the host.
  static let sandboxed = all.filter { $0.language != "python" || hasPython }

  private static let known = [
    Example(language: "python", program: "reel.py"), Example(language: "c", program: "reel"),
    Example(language: "rust", program: "reel"), Example(language: "swift", program: "reel"),
  ]
  static let hasPython = Manifest.Profile(rawValue: "python") != nil
  private static let folder = Build.directory + "/../../sdk-examples"

  /// The tree that is tested, of which plugins in Swift are built, and where.
  static let source = Build.directory + "/../../.."
  static let swiftScratch = folder + "/swift/build"
  static let rustLibrary = folder + "/rust/target/release/libsluice_plugin.rlib"
  static let hasRust = all.contains { $0.language == "rust" }
  static let hasSwift = all.contains { $0.language == "swift" }
}

/// Bytes that every format has to think about, and their streams.
enum Sample {
  static let contents: [Content] = [
    .config(1, "vm.conf", Array("cores: 2\n".utf8)),
    .disk(2, "empty", []),
    .disk(7, "root ü", disk),
    .disk(1024, "zeros", [UInt8](repeating: 0, count: 3 << 20)),
  ]

  /// Data, a hole, blocks of zeros and an odd tail.
  static let disk: [UInt8] = {
    var bytes = noise(2_500_000, seed: 7) + [UInt8](repeating: 0, count: 700_000)
    bytes += noise(70_001, seed: 8)
    for index in 131_072..<200_000 { bytes[index] = 0 }
    return bytes
  }()

  /// Which parts of ``disk`` an increment has.
  static let extents = [
    Extent(offset: 0, length: 1 << 20, kind: .unchanged),
    Extent(offset: 1 << 20, length: 1 << 20, kind: .data),
    Extent(offset: 2 << 20, length: 65536, kind: .hole),
    Extent(
      offset: (2 << 20) + 65536, length: UInt64(disk.count) - (2 << 20) - 65536, kind: .unchanged),
  ]
}
