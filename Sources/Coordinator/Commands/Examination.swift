internal import BackupJobs
internal import BackupProtocol
internal import BlockSource
internal import Glibc
package import JobSupport
package import PluginHost
internal import QEMUControl
internal import Requests
internal import Sandbox
internal import System

/// `sluice doctor`: checks kernel, QEMU, helpers and plugins without changing anything.
package struct Examination {
  private let places: PluginPlaces

  package init(places: PluginPlaces) { self.places = places }

  package func findings() -> [Finding] {
    helpers() + sandbox() + pluginUser() + programs() + sharedMemory()
      + plugins()
  }

  private func helpers() -> [Finding] {
    let launcher = places.launcher
    return [
      helper("launcher", launcher, without: nil),
      helper(
        "watchdog", WatchdogProcess.path(besideLauncher: launcher),
        without: "running VMs cannot be backed up"),
      helper(
        "sink", SinkCommand.watcher(besideLauncher: launcher),
        without: "archives cannot be piped to commands"),
    ]
  }

  /// - Parameter loss: What does not work without it; `nil` if nothing does.
  private func helper(_ name: String, _ path: String, without loss: String?) -> Finding {
    let access = ProgramAccess(path: path)
    if access == .runs { return .good("\(name) \(path)") }
    let suffix = loss.map { "; \($0)" } ?? ""
    return .bad(
      "\(name) \(path) \(access.complaint)\(suffix)", remedy: .text(access.advice),
      isFatal: loss == nil)
  }

  private func sandbox() -> [Finding] {
    // Said already, and better.
    guard ProgramAccess(path: places.launcher) == .runs else { return [] }
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
          .bad("sandbox layer: \($0)", remedy: .strictSandboxFails)
        }
    } catch {
      return [
        .bad(
          "the sandbox cannot be tested: \(error)",
          remedy: error.isLimit ? "then run sluice doctor again" : "reinstall Sluice",
          isFatal: true)
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
        remedy: .freeUserID)
    ]
  }

  private func programs() -> [Finding] {
    let packages = QEMUPackages()
    return ["qemu-storage-daemon", "qemu-img"].map { name in
      let path = "/usr/bin/" + name
      let access = ProgramAccess(path: path)
      return access == .runs
        ? .good(path)
        : .bad(
          "\(path) \(access.complaint)", remedy: .text(packages.advice(for: name)), isFatal: true)
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
    let catalog = PluginCatalog(places.places, host: ownVersion)
    var findings: [Finding] = []
    for plugin in catalog.plugins {
      let manifest = plugin.manifest
      let names = manifest.formats.map(\.name).joined(separator: ", ")
      findings.append(.good("plugin \(manifest.name) \(manifest.version): \(names)"))
    }
    for fault in catalog.faults { findings.append(.bad(fault.text, remedy: fault.remedy)) }
    guard catalog.plugins.isEmpty else { return findings }
    findings.append(
      catalog.faults.isEmpty
        ? .bad("no plugins installed", remedy: .otherPlugins, isFatal: true)
        : .bad(
          "no installed plugin can be started", remedy: "repair one of the plugins above",
          isFatal: true))
    return findings
  }
}
