import CLinux
import Glibc
import QEMUControl
import Synchronization
import System

/// A coordinator that does all of a job to QEMU except the copying, and dies on the way:
///
/// `doomed-coordinator WATCHDOG QMP JOB DIRECTORY STEP [nbd]`
///
/// It is killed (SIGKILL, by itself) behind the command number STEP; 0 is before the first. One
/// that STEP does not reach ends well. Journal, images and sockets are in DIRECTORY.
@main enum Main {
  static let done = Mutex(0)

  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count >= 6, let mark = JobMark(id: arguments[3]), let step = Int(arguments[5])
    else { exit(64) }
    let (qmp, directory) = (arguments[2], arguments[4])
    let client = try await QMPClient.connect(path: qmp)
    let machine = try await GuestMachine.inspect(client)
    let journal = try Journal.create(
      JournalContents(
        mark: mark, qmp: qmp, process: getpid(), started: 0,
        guestRan: machine.runState != "io-error"),
      in: directory)
    let watchdog = try WatchdogProcess.start(
      path: arguments[1], journal: journal, qmp: client.inheritableDescriptor)
    if step == 0 { kill(getpid(), SIGKILL) }
    let point = PointInTime(
      client, mark: mark, disks: try disks(machine, in: directory), journal: journal
    ) { _ in
      let count = done.withLock { count in
        count += 1
        return count
      }
      if count == step { kill(getpid(), SIGKILL) }
    }
    try await run(point, usesNBD: arguments.count > 6, directory)
    let outcome = await point.takeDown()
    guard outcome.isClean else { exit(70) }
    journal.remove()
    let isWatched = await watchdog.end()
    print("steps \(done.withLock { $0 })")
    exit(isWatched ? 0 : 71)
  }

  static func disks(_ machine: GuestMachine, in directory: String) throws -> [PointInTime.Disk] {
    let devices = machine.devices.filter(\.isBackedUpByDefault)
    let place = try FleecingDirectory(directory)
    let images = try FleecingImage.make(
      devices.map { .init(directory: place, diskBytes: $0.size, wantedBytes: 1 << 20) })
    return zip(devices, images).compactMap { device, image in
      device.nodeName.map {
        PointInTime.Disk(name: device.name, node: $0, size: device.size, image: image)
      }
    }
  }

  static func run(_ point: PointInTime, usesNBD: Bool, _ directory: String) async throws {
    try await point.prepare()
    _ = try await point.take()
    for number in point.disks.indices {
      let listener = try listener("\(directory)/vhost\(number)")
      try await point.exportVhostUser(number, listener: listener.raw)
    }
    guard usesNBD else { return }
    let listener = try listener("\(directory)/nbd")
    try await point.startNBD(listener: listener.raw)
    for number in point.disks.indices { try await point.exportNBD(number) }
    try await point.stopNBD()
  }

  static func listener(_ path: String) throws -> OwnedDescriptor {
    _ = clinux_unlinkat(currentDirectory, path, 0)
    return OwnedDescriptor(adopting: try check(clinux_unix_listen(path), .bind, path))
  }
}
