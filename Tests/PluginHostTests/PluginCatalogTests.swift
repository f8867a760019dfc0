import BackupProtocol
import CommandLine
import Glibc
import Testing

@testable import PluginHost

/// Which plugin has a format: by where its manifest was found, and never by chance.
struct PluginCatalogTests {
  private let scratch: Scratch

  init() throws {
    scratch = try Scratch()
    chmod(scratch.directory, 0o755)
  }

  /// Installs a plugin, which is never started.
  private func install(
    _ file: String, name: String, formats: [String], vendor: String = "", more: String = ""
  ) throws {
    let directory = "\(scratch.directory)/\(file.split(separator: "/")[0])"
    mkdir(directory, 0o755)
    let list = formats.map { #"{"name": "\#($0)", "modes": ["write"], "output": ["file"]}"# }
    let manifest = """
      {"manifest": 1, "name": "\(name)", "version": "1", "vendor": "\(vendor)", "protocol": [1],
       "executable": "program", "formats": [\(list.joined(separator: ", "))]\(more)}
      """
    try scratch.create(file, Array(manifest.utf8))
    try scratch.create("\(file.split(separator: "/")[0])/program", [])
    chmod("\(directory)/program", 0o755)
  }

  private func directory(_ name: String, rank: Int = 0) -> PluginPlace {
    PluginPlace(directory: scratch.path(name), rank: rank)
  }

  private func catalog(_ places: PluginPlace...) -> PluginCatalog {
    PluginCatalog(places, host: "0.1.0")
  }

  @Test func `a format that two plugins of a directory have belongs to neither`() throws {
    try install("a/raw.json", name: "raw", formats: ["raw"])
    try install("a/vendor.json", name: "vendor", formats: ["raw", "own"])
    let catalog = catalog(directory("a"))
    #expect(catalog.rivals(format: "raw").map(\.manifest.name) == ["raw", "vendor"])
    #expect(catalog.rivals(format: "own").isEmpty && catalog.plugin(format: "own") != nil)
    #expect(catalog.faults.map(\.kind) == [.contested])
    #expect(catalog.faults[0].manifest == scratch.path("a/raw.json"))
    #expect(
      catalog.faults[0].text
        == "the format \"raw\" is claimed by plugin \"raw\" (\(scratch.path("a/raw.json"))) and by "
        + "plugin \"vendor\" (\(scratch.path("a/vendor.json")))")
    #expect(catalog.faults(format: "own").isEmpty)
  }

  @Test func `directories of packages are equals, and what is named before them wins`() throws {
    try install("a/raw.json", name: "raw", formats: ["raw"])
    try install("b/vendor.json", name: "vendor", formats: ["raw"])
    #expect(catalog(directory("a"), directory("b")).rivals(format: "raw").count == 2)
    let deliberate = catalog(directory("b"), directory("a", rank: 1))
    #expect(deliberate.rivals(format: "raw").isEmpty)
    #expect(deliberate.plugin(format: "raw")?.manifest.name == "vendor")
    #expect(deliberate.faults.map(\.kind) == [.shadowed])
  }

  @Test func `a manifest that is named wins over its own directory`() throws {
    try install("a/raw.json", name: "raw", formats: ["raw"])
    try install("a/vendor.json", name: "vendor", formats: ["raw", "own"])
    for (file, name) in [("a/vendor.json", "vendor"), ("a/raw.json", "raw")] {
      let catalog = catalog(
        PluginPlace(named: scratch.path(file), rank: 0), directory("a", rank: 1))
      #expect(catalog.plugin(format: "raw")?.manifest.name == name)
      #expect(catalog.rivals(format: "raw").isEmpty)
      #expect(catalog.plugins.count == 2 && catalog.faults.map(\.kind) == [.shadowed])
    }
  }

  @Test func `a copy of a plugin is hidden, and another vendor's of its name is not`() throws {
    try install("a/raw.json", name: "raw", formats: ["raw"], vendor: "Sluice")
    try install("b/raw.json", name: "raw", formats: ["raw", "new"], vendor: "Sluice")
    try install("c/raw.json", name: "raw", formats: ["raw"], vendor: "Example Works")
    let copies = catalog(directory("a"), directory("b"))
    #expect(copies.plugins.map(\.manifestPath) == [scratch.path("a/raw.json")])
    #expect(copies.faults.map(\.kind) == [.shadowed])
    #expect(catalog(directory("a"), directory("c")).rivals(format: "raw").count == 2)
    let named = catalog(directory("c"), directory("a", rank: 1))
    #expect(named.rivals(format: "raw").isEmpty && named.plugins.count == 1)
  }

  @Test func `one name in two manifests of a directory is a contest`() throws {
    try install("a/old.json", name: "x", formats: ["x"])
    try install("a/new.json", name: "x", formats: ["x"])
    #expect(catalog(directory("a")).rivals(format: "x").count == 2)
  }

  @Test func `a directory that is searched twice holds nothing new`() throws {
    try install("a/x.json", name: "x", formats: ["x"])
    symlink("a", scratch.path("link"))
    let catalog = catalog(directory("a"), directory("link"), directory("a", rank: 1))
    #expect(catalog.plugins.count == 1 && catalog.faults.isEmpty)
  }

  @Test func `a plugin of a later host is not used, and both versions are told`() throws {
    try install("a/x.json", name: "x", formats: ["x"], more: #", "min_host": "0.1.1""#)
    try install("a/y.json", name: "y", formats: ["y"], more: #", "min_host": "0.1.0""#)
    let catalog = catalog(directory("a"))
    #expect(catalog.plugins.map(\.manifest.name) == ["y"])
    let fault = try #require(catalog.faults(format: "x").first)
    #expect(fault.kind == .host)
    #expect(fault.text.hasSuffix("it needs Sluice 0.1.1 or later, and this is 0.1.0"))
  }

  @Test func `a manifest that is named and missing is told`() throws {
    let catalog = catalog(PluginPlace(named: scratch.path("none.json"), rank: 0))
    #expect(catalog.faults.map(\.kind) == [.manifest])
    #expect(catalog.faults(format: "none").count == 1)
  }
}
