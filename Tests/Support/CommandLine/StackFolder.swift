/// A folder with the plugin `stack`, which writes and reads pipes.
package final class StackFolder: Sendable {
  private let files: Scratch
  package var path: String { files.directory }

  package init() async throws {
    files = try Scratch()
    // A manifest names its executable relative to itself.
    try await files.shell(
      """
      chmod 755 . && cp '\(Build.directory)/stack-writer' . && \
      cp '\(Build.directory)/../../../Tests/Support/stack-writer/stack.json' .
      """)
  }
}
