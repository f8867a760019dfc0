internal import Glibc
internal import System

/// The executables of this build, which the tests start as a user would.
package enum Build {
  /// The folder that the running test was built into, where all executables are.
  package static let directory: String = splitPath(
    (try? realPath("/proc/self/exe")) ?? "/"
  ).directory

  /// Whether tests run as root, and can be somebody else.
  package static var isRoot: Bool { geteuid() == 0 }

  /// User without rights; the number everybody has for it.
  package static let nobody: UInt32 = 65534

  /// Whether a program is to be found.
  package static func has(_ program: String) -> Bool {
    ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"].contains {
      access("\($0)/\(program)", X_OK) == 0
    }
  }
}

/// A copy of the build that everybody may execute, laid out as a build tree is.
package final class PublicBuild: Sendable {
  private let files: Scratch
  /// Where its `sluice` is.
  package var directory: String { files.path("build/debug/copy") }

  /// - Parameters:
  ///   - plugins: Those it has.
  ///   - helpers: Programs beside those that every command needs.
  package init(plugins: [String] = ["raw"], helpers: [String] = []) async throws {
    files = try Scratch()
    let programs =
      ["sluice", "sluice-launcher", "sluice-sink"] + helpers + plugins.map { "sluice-writer-\($0)" }
    try await files.shell(
      """
      chmod 755 . && mkdir -p build/debug/copy
      cp \(programs.map { "'\(Build.directory)/\($0)'" }.joined(separator: " ")) build/debug/copy
      for plugin in \(plugins.joined(separator: " ")); do
        mkdir -p Plugins/$plugin
        cp '\(Build.directory)/../../../Plugins/'$plugin/$plugin.json Plugins/$plugin
      done
      """)
  }
}
