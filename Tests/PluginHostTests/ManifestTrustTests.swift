import CommandLine
import BackupProtocol
import Glibc
import System
import Testing

@testable import PluginHost

/// Which manifests are read at all, and what one may say of a receipt.
struct ManifestTrustTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func manifest(receipt: String = "receipt.json") -> String {
    """
    {"manifest": 1, "name": "x", "version": "1", "executable": "x", "protocol": [1],
     "formats": [{"name": "x", "modes": ["write"], "output": ["directory"],
                  "receipt": "\(receipt)"}]}
    """
  }

  private func catalog() -> PluginCatalog {
    PluginCatalog([PluginPlace(directory: scratch.directory)], host: "0.1.0")
  }

  @Test func `a manifest is trusted as an executable is`() throws {
    try scratch.make("x.json", manifest())
    try scratch.make("x", "")
    chmod(scratch.path("x"), 0o755)
    let path = scratch.path("x.json")
    #expect(catalog().plugins.map(\.manifest.name) == ["x"])
    chmod(path, 0o666)
    #expect(catalog().plugins.isEmpty)
    #expect(catalog().faults.count == 1 && catalog().faults[0].text.contains(path))
    chmod(path, 0o644)
    chmod(scratch.directory, 0o777)
    #expect(catalog().plugins.isEmpty)
    chmod(scratch.directory, 0o755)
    rename(path, scratch.path("hidden"))
    symlink("hidden", path)
    #expect(catalog().plugins.isEmpty)
  }

  @Test(.enabled(if: geteuid() == 0, "only root can give a file away"))
  func `a manifest of another user is not trusted`() throws {
    try scratch.make("x.json", manifest())
    chown(scratch.path("x.json"), 65534, 65534)
    #expect(catalog().plugins.isEmpty)
  }

  @Test(arguments: ["../x", "/dev/watchdog", "a/b", ".hidden", "", "a\\nb"])
  func `a receipt is a plain name in the archive`(name: String) throws {
    #expect(throws: ManifestError.self) {
      try Manifest(parsing: Array(manifest(receipt: name).utf8))
    }
  }
}
