// swift-tools-version: 6.2
import PackageDescription

// One static executable: it needs nothing of the system it runs on, and the smallest sandbox.
let package = Package(
  name: "reel",
  dependencies: [.package(name: "sluice", path: "../../..")],
  targets: [
    .executableTarget(
      name: "reel", dependencies: [.product(name: "WriterKit", package: "sluice")],
      resources: [.embedInCode("reel.json")],
      swiftSettings: [.unsafeFlags(["-static-executable"])],
      linkerSettings: [.unsafeFlags(["-static-executable"])]),
    // Starts the program, so it need not depend on it.
    .testTarget(name: "ReelTests", dependencies: [.product(name: "TestHost", package: "sluice")]),
  ],
  swiftLanguageModes: [.v6]
)
