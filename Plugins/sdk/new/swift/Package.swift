// swift-tools-version: 6.2
import PackageDescription

// A checkout of Sluice: its WriterKit is compiled into the plugin.
let sluice = Context.environment["SLUICE_SOURCE"] ?? "../sluice"

// One static program: its sandbox shows no libraries, and it runs on every distribution.
let package = Package(
  name: "newformat",
  dependencies: [.package(name: "sluice", path: sluice)],
  targets: [
    .executableTarget(
      name: "plugin", dependencies: [.product(name: "WriterKit", package: "sluice")],
      resources: [.embedInCode("manifest.json")],
      swiftSettings: [.unsafeFlags(["-static-executable"])],
      linkerSettings: [.unsafeFlags(["-static-executable"])]),
    // Starts the program, so it need not depend on it.
    .testTarget(name: "PluginTests", dependencies: [.product(name: "TestHost", package: "sluice")]),
  ],
  swiftLanguageModes: [.v6]
)
