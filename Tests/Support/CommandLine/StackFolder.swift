/// A folder with the plugin `stack`, which writes and reads pipes.
package final class StackFolder: Sendable {
  private let files: Scratch
  package var path: String { files.directory }

  /// - Parameter needs: What the manifest says that the plugin cannot do without, as `map`.
  package init(needs: String = "") async throws {
    files = try Scratch()
    // A manifest names its executable relative to itself.
    try await files.shell(
      """
      chmod 755 . && cp '\(Build.directory)/stack-writer' . && \
      cp '\(Build.directory)/../../../Tests/Support/stack-writer/stack.json' . && \
      sed -i 's/"needs": \\["map"\\]/"needs": [\(needs.isEmpty ? "" : "\"\(needs)\"")]/' stack.json
      """)
  }
}
