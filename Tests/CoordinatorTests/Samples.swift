import CommandLine
import JSON
import PluginHost
import Sandbox
import Synchronization

@testable import JobSupport
@testable import QEMUControl

/// What a job has said while it ran.
final class Heard: Sendable {
  private let list = Mutex<[String]>([])

  var warnings: [String] { list.withLock { $0 } }

  var sink: EventSink {
    { event in
      if case .warning(let text, _) = event { self.list.withLock { $0.append(text) } }
    }
  }
}

extension Surroundings {
  /// The plugins of this build, and those of a folder.
  static func test(
    plugins: [String] = [], events: @escaping EventSink = { _ in }
  ) -> Surroundings {
    Surroundings(
      places: PluginPlaces(
        executable: Build.directory + "/sluice", extra: plugins, environment: nil),
      sandbox: .auto, events: events)
  }
}

extension GuestBlockDevice {
  /// A disk of a running machine.
  static func test(
    _ name: String, size: Int64 = 1 << 30, imageFile: String? = nil, iothread: String? = nil,
    exclusion: Exclusion? = nil
  ) -> GuestBlockDevice {
    GuestBlockDevice(
      name: name, qdev: name, deviceType: "virtio-blk-pci", nodeName: name, size: size,
      format: "raw", imageFile: imageFile, isReadOnly: false, isRemovable: false, isEmpty: false,
      kind: .disk, iothread: iothread, writeErrorPolicy: "enospc", exclusion: exclusion)
  }
}

extension GuestMachine {
  /// A running machine whose QEMU has these kinds of exports.
  static func test(
    _ devices: [GuestBlockDevice], exports: [String] = ["nbd", "vhost-user-blk"],
    nbdServerInUse: Bool = false
  ) -> GuestMachine {
    let cases = exports.map { JSONValue.object(["case": .string($0)]) }
    let schema = QMPSchema(
      .array([
        .object(["name": "block-export-add", "meta-type": "command", "arg-type": "1"]),
        .object(["name": "1", "meta-type": "object", "variants": .array(cases)]),
        .object(["name": "nbd-server-start", "meta-type": "command"]),
      ]))
    return GuestMachine(
      name: "m", uuid: nil, version: "7.2.22", runState: "running",
      features: MachineFeatures(schema: schema), devices: devices, blockJobs: [],
      nbdServerInUse: nbdServerInUse, tpm: [], warnings: [], commandLine: .unknown(""),
      description: .null)
  }
}
