import Testing

/// Who may know whom. SwiftPM lets a file import any module that happens to be built; we do not.
@Suite struct ImportTests {
  /// From the floor up: a module imports only what stands before it.
  static let order = [
    "CJansson", "CExpat", "CCrypto", "CSeccomp", "CNBD", "CCompression", "CLaunch", "CHashing",
    "CLinux", "System", "JSON", "XML", "Machine", "MachineStart", "MachineFiles", "Hashing",
    "LeafHashing",
    "BackupProtocol", "ArchiveBytes", "DiskFormats", "SharedPool", "WriterKit", "ArchiveFiles",
    "TestHost", "Sandbox", "Requests", "BlockSource", "PluginHost", "Conformance", "Pump",
    "QEMUControl", "sluice-watchdog", "sluice-null-writer",
    "JobSupport", "ArchiveJobs", "BackupJobs", "LiveBackup", "RestoreJobs", "ConvertJobs",
    "Coordinator", "sluice",
  ]
  /// What a plugin may import: nothing of the host.
  static let floorOfPlugins: Set = [
    "WriterKit", "BackupProtocol", "Hashing", "SharedPool", "System", "JSON", "CLinux", "CCrypto",
    "CJansson", "CExpat", "CCompression", "ArchiveBytes", "ArchiveFiles", "DiskFormats", "Machine",
    "OVFFormat", "RawFormat", "TarFormat", "VMAFormat", "XML",
  ]

  let graph: PackageGraph

  init() throws { graph = try PackageGraph() }

  @Test func `the package has the modules this test knows`() {
    #expect(graph.targets.count > 20)
    for target in graph.targets where target.path.hasPrefix("Sources/") {
      // Programs of their own, in C, that import no module.
      if target.name == "sluice-launcher" || target.name == "sluice-sink" { continue }
      #expect(Self.order.contains(target.name), "give \(target.name) its place in the order")
    }
  }

  @Test func `no module depends upward`() {
    for target in graph.targets {
      guard let own = Self.order.firstIndex(of: target.name) else { continue }
      for dependency in target.dependencies {
        guard let other = Self.order.firstIndex(of: dependency) else { continue }
        #expect(other < own, "\(target.name) depends on \(dependency), which stands above it")
      }
    }
  }

  @Test func `every import is declared in the package`() throws {
    let ours = Set(graph.targets.map { Self.module($0.name) })
    for target in graph.targets where !target.path.hasPrefix("Tests/") {
      let declared = Set(target.dependencies.map(Self.module) + [Self.module(target.name)])
      // A folder within may be a target of its own.
      let inner = graph.targets.map { $0.path + "/" }.filter { $0.hasPrefix(target.path + "/") }
        .filter { $0 != target.path + "/" }
      for file in try Tree.files(in: [target.path], [".swift"])
      where !inner.contains(where: file.path.contains) {
        for module in Self.imports(of: file) where ours.contains(module) {
          #expect(declared.contains(module), "\(file.path) imports \(module), undeclared")
        }
      }
    }
  }

  @Test func `a plugin imports nothing of the host`() throws {
    let plugins = graph.targets.filter { $0.path.hasPrefix("Plugins/") }
    #expect(!plugins.isEmpty)
    for plugin in plugins + [try #require(graph["WriterKit"])] {
      for dependency in plugin.dependencies {
        #expect(Self.floorOfPlugins.contains(dependency), "\(plugin.name) uses \(dependency)")
      }
    }
  }

  @Test func `the map of rooms shows the package`() throws {
    let map = try Tree.text("docs/ARCHITECTURE.md")
    for name in Self.order.dropFirst(7) {
      let target = try #require(graph[name])
      let ours = target.dependencies.filter { Self.order.contains($0) }.sorted()
      let row = "| `\(name)` | \(ours.isEmpty ? "–" : ours.joined(separator: ", ")) |"
      #expect(map.contains(row), "docs/ARCHITECTURE.md lacks: \(row)")
    }
  }

  private static func module(_ target: String) -> String {
    String(target.map { $0 == "-" ? "_" : $0 })
  }

  private static func imports(of file: Tree.File) -> [String] {
    let statement = /(?:@\w+ )*(?:(?:public|package|internal|private) )?import (?:\w+ )?(\w+)/
    return file.lines.compactMap { line in
      line.prefixMatch(of: statement).map { String($0.output.1) }
    }
  }
}
