/// A folder of misbehaving plugins: for each name a manifest, and a copy of one executable.
package final class PluginFolder: Sendable {
  private let files: Scratch
  package var path: String { files.directory }

  /// - Parameters:
  ///   - names: Tricks of `misbehaving-plugin`; each is a plugin and a format of that name.
  ///   - receipts: Tricks whose format says that the plugin writes the receipt itself.
  ///   - output: What each of them writes.
  ///   - needs: What they cannot do without, by their manifests.
  package init(
    _ names: [String], receipts: Set<String> = [], output: String = "directory",
    needs: [String] = []
  ) async throws {
    files = try Scratch()
    for name in names {
      try await files.shell(
        "chmod 755 . && cp '\(Build.directory)/misbehaving-plugin' 'misbehaving-\(name)'")
      try files.write(
        "\(name).json", Array(Self.manifest(name, receipts.contains(name), output, needs).utf8))
    }
  }

  private static func manifest(
    _ name: String, _ hasReceipt: Bool, _ output: String, _ needs: [String]
  ) -> String {
    """
    {
      "manifest": 1, "name": "\(name)", "version": "1", "vendor": "Example Works",
      "executable": "misbehaving-\(name)",
      "protocol": [1], "memory": 67108864, "needs": \(needs),
      "formats": [{
        "name": "\(name)", "modes": ["write", "read", "verify"],
        "output": ["\(output)"]\
    \(hasReceipt ? #", "receipt": "receipt.json""# : "")
      }]
    }
    """
  }
}
