// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target of the package is held to these.
let strict: [SwiftSetting] = [
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableExperimentalFeature("Lifetimes"),
]

/// Tests keep everything but the `unsafe` marks, which teach nothing inside `#expect`.
let strictTests = Array(strict.dropFirst())

/// A writer is one static executable: it starts in a millisecond and needs few system calls.
let staticPlugin: [SwiftSetting] = strict + [.unsafeFlags(["-static-executable"])]
let staticTests = strictTests + [.unsafeFlags(["-static-executable"])]
let staticLink: [LinkerSetting] = [.unsafeFlags(["-static-executable"])]

/// The launcher runs between fork and exec: C only, no Swift runtime, nothing to load.
let launcherLink: [LinkerSetting] = [.unsafeFlags(["-nostartfiles", "-static-executable"])]

/// Many messages are hashed at once where there is a library for the processor.
#if arch(x86_64)
let lanesLink: [LinkerSetting] = [.linkedLibrary("IPSec_MB")]
#else
let lanesLink: [LinkerSetting] = []
#endif

/// A library of the system, and the packages of Debian that have it.
func library(_ name: String, _ pkgConfig: String?, _ packages: String...) -> Target {
  .systemLibrary(
    name: name, path: "Sources/Libraries/\(name)", pkgConfig: pkgConfig,
    providers: [.apt(packages)])
}

/// Tests of one module or plugin.
func tests(_ name: String, _ dependencies: [Target.Dependency], path: String? = nil) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, path: path, swiftSettings: strictTests)
}

let package = Package(
  name: "sluice",
  // Its executables are products by themselves.
  products: [
    .library(name: "WriterKit", targets: ["WriterKit"]),
    .library(name: "ArchiveFiles", targets: ["ArchiveFiles"]),
    .library(name: "TestHost", targets: ["TestHost"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    // Libraries of the system.
    library("CJansson", "jansson", "libjansson-dev"),
    library("CCrypto", "libcrypto", "libssl-dev"),
    library("CSeccomp", "libseccomp", "libseccomp-dev"),
    library("CNBD", "libnbd", "libnbd-dev"),
    library("CExpat", "expat", "libexpat1-dev"),
    library("CCompression", nil, "libzstd-dev", "libdeflate-dev", "zlib1g-dev"),
    // One header: what host and launcher say to each other.
    .systemLibrary(name: "CLaunch"),
    // The floor: what both sides of the wire stand on.
    .target(name: "CLinux", cSettings: [.define("_GNU_SOURCE")]),
    .target(name: "System", dependencies: ["CLinux"], swiftSettings: strict),
    .target(name: "JSON", dependencies: ["CJansson"], swiftSettings: strict),
    .target(name: "XML", dependencies: ["CExpat"], swiftSettings: strict),
    .target(name: "Machine", dependencies: ["JSON"], swiftSettings: strict),
    .target(name: "Hashing", dependencies: ["CCrypto"], swiftSettings: strict),
    .target(name: "BackupProtocol", dependencies: ["JSON", "Machine"], swiftSettings: strict),
    .target(name: "SharedPool", dependencies: ["System", "CLinux"], swiftSettings: strict),
    // What hypervisors and appliances write of a machine.
    .target(name: "MachineFiles", dependencies: ["JSON", "Machine", "XML"], swiftSettings: strict),
    // What a plugin imports.
    .target(name: "ArchiveBytes", dependencies: ["BackupProtocol"], swiftSettings: strict),
    .target(
      name: "WriterKit",
      dependencies: [
        "BackupProtocol", "Hashing", "Machine", "SharedPool", "System", "JSON", "CLinux",
      ], swiftSettings: strict),
    .target(
      name: "ArchiveFiles",
      dependencies: ["ArchiveBytes", "WriterKit", "System", "CLinux", "CCompression"],
      swiftSettings: strict),
    // Formats of disks, on memory alone: what plugins share, and the fuzzer runs.
    .target(
      name: "DiskFormats", dependencies: ["ArchiveBytes", "BackupProtocol", "CCompression"],
      swiftSettings: strict),

    // Scripts that start a restored machine, out of what an archive tells of it.
    .target(name: "MachineStart", dependencies: ["JSON", "System"], swiftSettings: strict),

    // What a user asks: the words of the command line, of a file, and of tests.
    .target(name: "Requests", dependencies: ["System"], swiftSettings: strict),

    // The host.
    .target(name: "CHashing", linkerSettings: lanesLink),
    .target(name: "LeafHashing", dependencies: ["CHashing", "Hashing"], swiftSettings: strict),
    .target(
      name: "Sandbox", dependencies: ["System", "CLaunch", "CLinux", "CSeccomp"],
      swiftSettings: strict),
    .target(
      name: "BlockSource",
      dependencies: [
        "BackupProtocol", "Requests", "SharedPool", "System", "Sandbox", "JSON", "CLinux", "CNBD",
      ], swiftSettings: strict),
    .target(
      name: "Pump",
      dependencies: [
        "BackupProtocol", "BlockSource", "Hashing", "LeafHashing", "PluginHost", "SharedPool",
        "System", "CLinux",
      ], swiftSettings: strict),
    .target(
      name: "PluginHost",
      dependencies: ["BackupProtocol", "SharedPool", "Sandbox", "System", "JSON", "CLinux"],
      swiftSettings: strict),
    .target(
      name: "Conformance",
      dependencies: [
        "BackupProtocol", "Hashing", "PluginHost", "SharedPool", "Sandbox", "System", "JSON",
        "CLinux",
      ], swiftSettings: strict),
    .target(
      name: "QEMUControl", dependencies: ["Machine", "MachineStart", "System", "JSON", "CLinux"],
      swiftSettings: strict),
    // The jobs of the host: the engine below them, errors and events for people above.
    .target(
      name: "JobSupport",
      dependencies: [
        "BackupProtocol", "BlockSource", "CLinux", "JSON", "PluginHost", "Pump", "Requests",
        "Sandbox", "SharedPool", "System",
      ],
      path: "Sources/Coordinator/Support", swiftSettings: strict),
    .target(
      name: "ArchiveJobs",
      dependencies: [
        "BackupProtocol", "CLinux", "JobSupport", "Machine", "PluginHost", "Pump", "Requests",
        "SharedPool", "System",
      ],
      path: "Sources/Coordinator/Archive", swiftSettings: strict),
    .target(
      name: "BackupJobs",
      dependencies: [
        "ArchiveJobs", "BackupProtocol", "BlockSource", "CLinux", "JSON", "JobSupport", "Machine",
        "MachineFiles", "PluginHost", "Pump", "QEMUControl", "Requests", "Sandbox", "SharedPool",
        "System",
      ],
      path: "Sources/Coordinator/Backup", swiftSettings: strict),
    .target(
      name: "LiveBackup",
      dependencies: [
        "BackupJobs", "BackupProtocol", "BlockSource", "JSON", "JobSupport", "Machine", "Pump",
        "QEMUControl", "Requests", "Sandbox", "SharedPool", "System",
      ],
      path: "Sources/Coordinator/Live", swiftSettings: strict),
    .target(
      name: "RestoreJobs",
      dependencies: [
        "ArchiveJobs", "BackupProtocol", "BlockSource", "CLinux", "JSON", "JobSupport",
        "MachineStart", "PluginHost", "Pump", "QEMUControl", "Requests", "SharedPool", "System",
      ],
      path: "Sources/Coordinator/Restore", swiftSettings: strict),
    .target(
      name: "ConvertJobs",
      dependencies: [
        "ArchiveJobs", "BackupJobs", "BackupProtocol", "BlockSource", "CLinux", "JobSupport",
        "Machine", "PluginHost", "Pump", "Requests", "SharedPool", "System",
      ],
      path: "Sources/Coordinator/Convert", swiftSettings: strict),
    .target(
      name: "Coordinator",
      dependencies: [
        "BackupJobs", "BackupProtocol", "BlockSource", "JobSupport", "LiveBackup", "PluginHost",
        "QEMUControl", "Requests", "Sandbox", "SharedPool", "System",
      ],
      path: "Sources/Coordinator/Commands", swiftSettings: strict),
    .executableTarget(
      name: "sluice",
      dependencies: [
        "ArchiveJobs", "BackupJobs", "BackupProtocol", "Conformance", "ConvertJobs", "Coordinator",
        "JSON", "JobSupport", "LiveBackup", "PluginHost", "Pump", "Requests", "RestoreJobs",
        "Sandbox", "System", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: strict),
    .executableTarget(
      name: "sluice-launcher",
      cSettings: [.define("_GNU_SOURCE"), .headerSearchPath("../CLaunch")],
      linkerSettings: launcherLink),
    // Speaks the protocol for plugins that are shell scripts.
    .executableTarget(
      name: "sluice-plugin-sh", path: "Plugins/sdk/shell", exclude: ["README.md", "zst"],
      sources: ["adapter"], linkerSettings: launcherLink),
    .executableTarget(
      name: "sluice-sink", cSettings: [.define("_GNU_SOURCE")], linkerSettings: launcherLink),
    .executableTarget(
      name: "sluice-watchdog", dependencies: ["QEMUControl", "System"], swiftSettings: strict),
    .executableTarget(
      name: "sluice-null-writer", dependencies: ["WriterKit"], swiftSettings: staticPlugin,
      linkerSettings: staticLink),

    // The plugins.
    .target(
      name: "RawFormat", dependencies: ["BackupProtocol", "WriterKit", "System", "CLinux"],
      path: "Plugins/raw/Format", swiftSettings: strict),
    .executableTarget(
      name: "sluice-writer-raw", dependencies: ["RawFormat", "WriterKit", "System", "CLinux"],
      path: "Plugins/raw", exclude: ["README.md", "Format"],
      // In the code, not in a bundle: the accessor of a bundle needs Foundation.
      resources: [.embedInCode("raw.json")],
      swiftSettings: staticPlugin, linkerSettings: staticLink),
    .executableTarget(
      name: "sluice-writer-qcow2",
      dependencies: [
        "RawFormat", "DiskFormats", "ArchiveBytes", "ArchiveFiles", "WriterKit", "System", "CLinux",
      ],
      path: "Plugins/qcow2", exclude: ["README.md"], resources: [.embedInCode("qcow2.json")],
      swiftSettings: staticPlugin, linkerSettings: staticLink),
    // The format alone, on memory and files alike: what the fuzzer runs too.
    .target(
      name: "VMAFormat", dependencies: ["ArchiveBytes", "BackupProtocol", "CCrypto"],
      path: "Plugins/vma/Format", swiftSettings: strict),
    .executableTarget(
      name: "sluice-writer-vma",
      dependencies: [
        "VMAFormat", "ArchiveBytes", "ArchiveFiles", "WriterKit", "BackupProtocol", "System",
        "CLinux", "CCrypto",
      ],
      path: "Plugins/vma", exclude: ["README.md", "Format"], resources: [.embedInCode("vma.json")],
      swiftSettings: staticPlugin, linkerSettings: staticLink),
    .executableTarget(
      name: "sluice-writer-ova",
      dependencies: [
        "TarFormat", "OVFFormat", "DiskFormats", "RawFormat", "ArchiveBytes", "ArchiveFiles",
        "WriterKit", "BackupProtocol", "Hashing", "Machine", "System", "CLinux", "CCompression",
      ],
      path: "Plugins/ova", exclude: ["README.md", "OVF", "Tar", "sluice-ovf.xsd"],
      resources: [.embedInCode("ova.json")],
      swiftSettings: staticPlugin, linkerSettings: staticLink),
    .target(
      name: "TarFormat", dependencies: ["ArchiveBytes", "BackupProtocol"], path: "Plugins/ova/Tar",
      swiftSettings: strict),
    // The descriptor of an appliance, in memory alone.
    .target(
      name: "OVFFormat", dependencies: ["Hashing", "JSON", "Machine", "XML"],
      path: "Plugins/ova/OVF", swiftSettings: strict),

    // What tests run.
    .executableTarget(
      name: "attack-plugin", path: "Tests/Support/attack-plugin",
      cSettings: [.define("_GNU_SOURCE")], linkerSettings: launcherLink),
    .executableTarget(
      name: "attack-run", dependencies: ["Sandbox", "System", "CLinux"],
      path: "Tests/Support/attack-run", swiftSettings: strictTests),
    .executableTarget(
      name: "sandbox-guest", path: "Tests/Support/sandbox-guest",
      cSettings: [.define("_GNU_SOURCE")], linkerSettings: launcherLink),
    .executableTarget(
      name: "sandbox-run", dependencies: ["Sandbox", "System"], path: "Tests/Support/sandbox-run",
      swiftSettings: strictTests),
    .target(
      name: "ScriptedHost",
      dependencies: [
        "BackupProtocol", "CommandLine", "SharedPool", "System", "JSON", "CLinux", "WriterKit",
      ],
      path: "Tests/Support/ScriptedHost", swiftSettings: strictTests),
    // For the tests of plugins in other packages.
    .target(
      name: "TestHost",
      dependencies: ["BackupProtocol", "JSON", "ScriptedHost", "SharedPool", "System"],
      swiftSettings: strictTests),
    .executableTarget(
      name: "source-run",
      dependencies: [
        "BackupProtocol", "BlockSource", "Requests", "Sandbox", "SharedPool", "System",
      ],
      path: "Tests/Support/source-run", swiftSettings: strictTests),
    .executableTarget(
      name: "misbehaving-plugin", path: "Tests/Support/misbehaving-plugin",
      linkerSettings: launcherLink),
    .executableTarget(
      name: "family-run", path: "Tests/Support/family-run", linkerSettings: launcherLink),
    .executableTarget(
      name: "doomed-coordinator", dependencies: ["QEMUControl", "System", "CLinux"],
      path: "Tests/Support/doomed-coordinator", swiftSettings: strictTests),
    .target(
      name: "CommandLine", dependencies: ["System", "CLinux"], path: "Tests/Support/CommandLine",
      swiftSettings: strictTests),
    // Tells whether copies of the test guest's two disks are one instant.
    .executableTarget(
      name: "instant-check", path: "Tests/Support/instant-check",
      cSettings: [.headerSearchPath("../guest")]),
    // A running QEMU with the test guest in it.
    .target(
      name: "LiveGuest", dependencies: ["CommandLine", "JSON", "System", "CLinux"],
      path: "Tests/Support/LiveGuest", swiftSettings: strictTests),
    .executableTarget(
      name: "readme-writer", dependencies: ["WriterKit"], path: "Tests/Support/readme-writer",
      resources: [.embedInCode("plain.json")], swiftSettings: staticTests,
      linkerSettings: staticLink),
    // Archives that are written and read forward only.
    .executableTarget(
      name: "stack-writer", dependencies: ["WriterKit", "JSON", "CLinux"],
      path: "Tests/Support/stack-writer", resources: [.embedInCode("stack.json")],
      swiftSettings: staticTests, linkerSettings: staticLink),

    // Tests, one target per module or plugin; they start the programs that the same build makes.
    tests("SandboxTests", ["CommandLine", "Sandbox", "System", "CLinux"]),
    tests(
      "PluginHostTests",
      ["CommandLine", "PluginHost", "BackupProtocol", "Sandbox", "SharedPool", "System"]),
    tests(
      "CoordinatorTests",
      [
        "ArchiveJobs", "BackupJobs", "BackupProtocol", "CommandLine", "JSON", "JobSupport",
        "LiveBackup", "MachineFiles", "PluginHost", "Pump", "QEMUControl", "Requests",
        "RestoreJobs", "Sandbox", "SharedPool", "System",
      ]),
    tests("RequestsTests", ["Requests"]),
    tests("MachineStartTests", ["CommandLine", "JSON", "MachineStart"]),
    tests(
      "PumpTests",
      ["Pump", "BackupProtocol", "BlockSource", "Hashing", "LeafHashing", "SharedPool", "System"]),
    tests(
      "BlockSourceTests",
      [
        "BackupProtocol", "BlockSource", "CommandLine", "Requests", "Sandbox", "SharedPool",
        "System", "CLinux", "sluice-launcher", "source-run",
      ]),
    tests(
      "QEMUControlTests",
      ["QEMUControl", "CommandLine", "Machine", "MachineStart", "System", "JSON", "CLinux"]),
    tests(
      "WriterKitTests",
      [
        "WriterKit", "CommandLine", "ScriptedHost", "BackupProtocol", "Hashing", "SharedPool",
        "System", "JSON", "CLinux",
      ]),
    // The rules of the tree itself; starts the programs that the same build makes.
    tests("TidyTests", ["CommandLine", "JobSupport", "System"]),
    // The SDKs' examples, which are built by the compilers of their languages.
    tests("SDKTests", ["CommandLine", "ScriptedHost", "SharedPool", "System", "WriterKit"]),
    tests("RawPluginTests", ["CommandLine", "WriterKit", "ScriptedHost", "System", "CLinux"]),
    tests(
      "QCOW2PluginTests",
      ["CommandLine", "BackupProtocol", "JSON", "ScriptedHost", "SharedPool", "System", "CLinux"]),
    tests(
      "OVAPluginTests",
      [
        "CommandLine", "TarFormat", "ArchiveBytes", "BackupProtocol", "JSON", "Machine",
        "ScriptedHost", "SharedPool", "System", "WriterKit", "CLinux",
      ]),
    tests(
      "VMAPluginTests",
      [
        "CommandLine", "VMAFormat", "ArchiveBytes", "BackupProtocol", "JSON", "ScriptedHost",
        "SharedPool", "System", "CLinux",
      ]),
    // Machines as hypervisors write them.
    .target(
      name: "MachineSamples", path: "Tests/Support/MachineSamples", swiftSettings: strictTests),
    tests(
      "MachineTests", ["JSON", "Machine", "MachineFiles", "MachineSamples", "QEMUControl", "XML"]),
    // Asks xmllint, and virt-v2v where it is.
    tests(
      "OVFFormatTests",
      [
        "CommandLine", "Hashing", "Machine", "MachineFiles", "MachineSamples", "OVFFormat",
        "System", "XML",
      ]),
    tests(
      "DiskFormatsTests",
      ["DiskFormats", "ArchiveBytes", "BackupProtocol", "CommandLine", "System"]),
    // What the vector tests and the fuzzer do with bytes.
    .target(
      name: "FrameExercise", dependencies: ["BackupProtocol", "JSON"],
      path: "Tests/Fuzzing/FrameExercise", swiftSettings: strict),
    tests("BackupProtocolTests", ["CommandLine", "BackupProtocol", "FrameExercise", "JSON"]),
    // Start the executables that the same build makes, as a user would.
    tests(
      "EndToEndTests", ["CommandLine", "JSON", "MachineSamples", "System"], path: "Tests/EndToEnd"),
    // Real guests in real QEMUs; minutes, not seconds.
    tests(
      "LiveGuestTests", ["CommandLine", "JSON", "LiveGuest", "System"], path: "Tests/LiveGuests"),
    // Runs `sluice plugin check` on the plugins of this build, and on sabotaged ones.
    tests("ConformanceTests", ["CommandLine", "Conformance", "System"]),
    tests("MisbehaviourTests", ["CommandLine", "System"], path: "Tests/Misbehaviour"),
  ],
  swiftLanguageModes: [.v6]
)
