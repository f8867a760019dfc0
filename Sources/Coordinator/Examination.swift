internal import BackupProtocol
internal import BlockSource
internal import Glibc
package import PluginHost
internal import QEMUControl
internal import Sandbox
internal import System

/// One result of `sluice doctor`.
package struct Finding: Sendable {
  package let text: String
  package let isGood: Bool
  /// Whether Sluice cannot work without it.
  package let isFatal: Bool
  /// What to do about it.
  package let remedy: String?

  static func good(_ text: String) -> Finding {
    Finding(text: text, isGood: true, isFatal: false, remedy: nil)
  }

  static func bad(_ text: String, remedy: String, isFatal: Bool = false) -> Finding {
    Finding(text: text, isGood: false, isFatal: isFatal, remedy: remedy)
  }
}

/// `sluice doctor`: checks kernel, QEMU, helpers and plugins without changing anything.
package struct Examination {
  private let places: PluginPlaces

  package init(places: PluginPlaces) { self.places = places }

  package func findings() -> [Finding] {
    [launcher(), watchdog(), sink()] + sandbox() + pluginUser() + programs() + sharedMemory()
      + plugins()
  }

  private func launcher() -> Finding {
    isExecutable(places.launcher)
      ? .good("launcher \(places.launcher)")
      : .bad(
        "launcher \(places.launcher) not found", remedy: "reinstall Sluice", isFatal: true)
  }

  private func watchdog() -> Finding {
    let path = WatchdogProcess.path(besideLauncher: places.launcher)
    return isExecutable(path)
      ? .good("watchdog \(path)")
      : .bad(
        "watchdog \(path) not found: running VMs cannot be backed up",
        remedy: "reinstall Sluice")
  }

  private func sink() -> Finding {
    let path = SinkCommand.watcher(besideLauncher: places.launcher)
    return isExecutable(path)
      ? .good("sink \(path)")
      : .bad(
        "sink \(path) not found: archives cannot be piped to commands", remedy: "reinstall Sluice")
  }

  private func sandbox() -> [Finding] {
    do {
      let features = try KernelFeatures.probe(launcher: places.launcher)
      if let failure = features.failure {
        return [
          .bad(
            "the sandbox does not work: \(failure.step): \(errnoText(failure.code))",
            remedy: "requires Linux 5.13 or later with seccomp, and Landlock or user namespaces",
            isFatal: true)
        ]
      }
      return features.layers.descriptions.map { .good("sandbox layer: \($0)") }
        + features.missing.map {
          .bad("sandbox layer: \($0)", remedy: "jobs run without it; --sandbox strict fails")
        }
    } catch {
      return [
        .bad("the sandbox cannot be tested: \(error)", remedy: "reinstall Sluice", isFatal: true)
      ]
    }
  }

  /// The user ID of root's writer plugins, or why none is available.
  private func pluginUser() -> [Finding] {
    guard geteuid() == 0 else { return [] }
    let search = PluginUser(launcher: places.launcher)
    if let id = search.find() { return [.good("plugins of root run as user ID \(id)")] }
    let reasons = search.complaints()
    let (first, last) = (PluginUser.candidates.lowerBound, PluginUser.candidates.upperBound)
    // In a container they all have the same reason.
    let words =
      Set(reasons.values).count == 1
      ? "each \(reasons[first] ?? "")"
      : reasons.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: "; ")
    return [
      .bad(
        "no free user ID from \(first) to \(last) for plugins of root: \(words)",
        remedy: "free one of them; until then plugins run as root, and --sandbox strict fails")
    ]
  }

  private func programs() -> [Finding] {
    let packages = QEMUPackages()
    return ["qemu-storage-daemon", "qemu-img"].map { name in
      let path = "/usr/bin/" + name
      return isExecutable(path)
        ? .good(path)
        : .bad("\(path) not found", remedy: packages.advice(for: name), isFatal: true)
    }
  }

  private func sharedMemory() -> [Finding] {
    do {
      try SharedMemoryProbe.run()
      return [.good("sealed shared memory (memfd)")]
    } catch {
      return [
        .bad("no sealed shared memory: \(error)", remedy: "requires memfd_create", isFatal: true)
      ]
    }
  }

  private func plugins() -> [Finding] {
    let catalog = PluginCatalog(places.places)
    var findings: [Finding] = []
    for plugin in catalog.plugins {
      let manifest = plugin.manifest
      let names = manifest.formats.map(\.name).joined(separator: ", ")
      do {
        _ = try openTrustedExecutable(plugin.executable)
        findings.append(.good("plugin \(manifest.name) \(manifest.version): \(names)"))
      } catch {
        findings.append(
          .bad("plugin \(plugin.manifest.name): \(error)", remedy: "reinstall the plugin"))
      }
    }
    for rejected in catalog.rejected {
      findings.append(
        .bad("\(rejected.path): \(rejected.reason)", remedy: "repair or remove the manifest"))
    }
    if catalog.plugins.isEmpty {
      findings.append(.bad("no plugins installed", remedy: "install one or use --plugin-path DIR"))
    }
    return findings
  }

  private func isExecutable(_ path: String) -> Bool { unsafe access(path, X_OK) == 0 }
}
