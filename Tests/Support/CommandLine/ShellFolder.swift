internal import System

/// A folder with a plugin that is a shell script, and its manifest.
package final class ShellFolder: Sendable {
  /// Whether the example can run here.
  package static let canRun = Build.has("zstd") && Build.has("sh")

  private static let example =
    (0..<4).reduce(#filePath) { path, _ in splitPath(path).directory } + "/Plugins/sdk/shell/zst"

  private let files: Scratch
  package var path: String { files.directory }

  /// The example of the SDKs, which is called `zst`.
  ///
  /// - Parameter change: A command of the shell that is run in the folder.
  package init(change: String = "true") async throws {
    files = try Scratch()
    try await files.shell(
      "chmod 755 . && install -m 755 '\(Self.example)/zst.sh' . && "
        + "install -m 644 '\(Self.example)/zst.json' .")
    try await files.shell(change)
  }

  /// The example with a verb that does something else.
  package convenience init(verb: String, does code: String) async throws {
    try await self.init(change: "sed -i '/^verb=/i case $1 in \(verb)) \(code) ;; esac' zst.sh")
  }
}
