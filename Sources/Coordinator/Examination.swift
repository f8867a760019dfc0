internal import BackupProtocol
internal import BlockSource
internal import Glibc
package import PluginHost
internal import QEMUControl
internal import Sandbox
internal import System

/// One thing the doctor looked at.
package struct Finding: Sendable {
  package let text: String
  package let isGood: Bool
  /// Whether nothing works without it.
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

/// `sluice doctor`: looks at kernel, QEMU, helpers and plugins without changing anything.
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
        "the launcher \(places.launcher) is missing", remedy: "install Sluice again", isFatal: true)
  }

  private func watchdog() -> Finding {
    let path = WatchdogProcess.path(besideLauncher: places.launcher)
    return isExecutable(path)
      ? .good("watchdog \(path)")
      : .bad(
        "the watchdog \(path) is missing: no running machine can be backed up",
        remedy: "install Sluice again")
  }

  private func sink() -> Finding {
    let path = SinkCommand.watcher(besideLauncher: places.launcher)
    return isExecutable(path)
      ? .good("sink \(path)")
      : .bad(
        "\(path) is missing: no archive can go to a command", remedy: "install Sluice again")
  }

  private func sandbox() -> [Finding] {
    do {
      let features = try KernelFeatures.probe(launcher: places.launcher)
      if let failure = features.failure {
        return [
          .bad(
            "no sandbox can be built: \(failure.step): \(errnoText(failure.code))",
            remedy: "a kernel of 5.13 or later with seccomp, and Landlock or user namespaces",
            isFatal: true)
        ]
      }
      return features.layers.descriptions.map { .good("sandbox layer: \($0)") }
        + features.missing.map {
          .bad("sandbox layer: \($0)", remedy: "jobs run without it; --sandbox strict refuses")
        }
    } catch {
      return [
        .bad("the sandbox cannot be tried: \(error)", remedy: "install Sluice again", isFatal: true)
      ]
    }
  }

  /// Which id root's writer plugins run under, or why none is to be had.
  private func pluginUser() -> [Finding] {
    guard geteuid() == 0 else { return [] }
    let search = PluginUser(launcher: places.launcher)
    if let id = search.find() { return [.good("plugins of root run as user \(id)")] }
    let reasons = search.complaints()
    let (first, last) = (PluginUser.candidates.lowerBound, PluginUser.candidates.upperBound)
    // In a container they all have the same reason.
    let words =
      Set(reasons.values).count == 1
      ? "each \(reasons[first] ?? "")"
      : reasons.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: "; ")
    return [
      .bad(
        "no user id from \(first) to \(last) is free for plugins of root: \(words)",
        remedy: "free one of them; until then plugins have root's id, and --sandbox strict refuses")
    ]
  }

  private func programs() -> [Finding] {
    let packages = QEMUPackages()
    return ["qemu-storage-daemon", "qemu-img"].map { name in
      let path = "/usr/bin/" + name
      return isExecutable(path)
        ? .good(path)
        : .bad("\(path) is missing", remedy: packages.advice(for: name), isFatal: true)
    }
  }

  private func sharedMemory() -> [Finding] {
    do {
      try SharedMemoryProbe.run()
      return [.good("sealed shared memory (memfd)")]
    } catch {
      return [
        .bad("no sealed shared memory: \(error)", remedy: "a kernel with memfd", isFatal: true)
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
          .bad("plugin \(plugin.manifest.name): \(error)", remedy: "install the plugin again"))
      }
    }
    for rejected in catalog.rejected {
      findings.append(
        .bad("\(rejected.path): \(rejected.reason)", remedy: "repair or remove the manifest"))
    }
    if catalog.plugins.isEmpty {
      findings.append(.bad("no plugin is installed", remedy: "install one, or --plugin-path DIR"))
    }
    return findings
  }

  private func isExecutable(_ path: String) -> Bool { unsafe access(path, X_OK) == 0 }
}
