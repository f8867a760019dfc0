internal import CLinux
internal import Glibc
internal import System

/// The process that listens on the socket of a monitor, held by its entry in `/proc`.
///
/// The entry belongs to one process for ever: another one that gets its number does not show there.
struct PeerProcess: ~Copyable {
  /// Why nothing is known of the process, for people.
  struct Obstacle: Error, Equatable {
    let words: String
  }

  private let entry: OwnedDescriptor

  /// Descriptors that are looked through; QEMU has one or a few for each device.
  private static let descriptorsMax = 1 << 16

  /// - Parameters:
  ///   - process: What the kernel says of the socket's other end.
  ///   - socket: Connected to it.
  /// - Throws: `Obstacle` unless the process is the caller's own, or the caller is root, and it
  ///   holds the socket that was connected to.
  init(_ process: Int32, holding socket: Int32) throws(Obstacle) {
    let opened = try Self.open(process)
    let sockets = Self.sockets(named: socket)
    guard !sockets.isEmpty, Self.holds(opened.raw, sockets) else {
      throw Obstacle(words: "process \(process) does not hold the monitor's socket")
    }
    entry = opened
  }

  private static func open(_ process: Int32) throws(Obstacle) -> OwnedDescriptor {
    let path = "/proc/\(process)"
    do throws(SystemCallError) {
      let entry = try openFile(path, flags: O_RDONLY | O_DIRECTORY)
      let status = try FileStatus(descriptor: entry.raw, subject: path)
      guard geteuid() == 0 || status.owner == geteuid() else {
        throw SystemCallError(.open, subject: path, code: EPERM)
      }
      return entry
    } catch {
      throw Obstacle(words: "process \(process) is not to be looked at: \(errnoText(error.code))")
    }
  }

  /// Numbers of the sockets of this network namespace that have the name of the other end.
  private static func sockets(named socket: Int32) -> Set<String> {
    var room = [CChar](repeating: 0, count: 108)
    let count = unsafe clinux_peer_name(socket, &room, room.count)
    guard count > 0,
      let table = try? readSmallFile("/proc/net/unix", limit: 64 << 20)
    else { return [] }
    let name = room[..<count].map { UInt8(bitPattern: $0) }
    // Num RefCount Protocol Flags Type St Inode Path
    let lines = table.split(separator: 10).dropFirst().filter { line in
      line.count > name.count && line.suffix(name.count).elementsEqual(name)
        && line.dropLast(name.count).last == 32
    }
    return Set(
      lines.compactMap { line in
        let fields = line.split(separator: 32, maxSplits: 7)
        guard fields.count == 8, fields[7].elementsEqual(name) else { return nil }
        return "socket:[\(String(decoding: fields[6], as: UTF8.self))]"
      })
  }

  private static func holds(_ entry: Int32, _ sockets: Set<String>) -> Bool {
    guard let opened = try? openFile("fd", in: entry, flags: O_RDONLY | O_DIRECTORY),
      let names = try? listNames(in: opened.raw, atMost: descriptorsMax)
    else { return false }
    return names.contains { link($0.text, in: opened.raw).map(sockets.contains) ?? false }
  }

  private static func link(_ name: String, in directory: Int32) -> String? {
    var room = [CChar](repeating: 0, count: 4096)
    let count = unsafe clinux_readlinkat(directory, name, &room, room.count)
    guard count > 0, count < room.count else { return nil }
    return nameText(room[..<Int(count)].map { UInt8(bitPattern: $0) })
  }

  /// Its words; empty if it has none any more.
  func arguments(limit: Int) -> [String] {
    guard let bytes = try? readSmallFile("cmdline", in: entry.raw, limit: limit) else { return [] }
    return bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast().map {
      nameText($0)
    }
  }

  var directory: String { Self.link("cwd", in: entry.raw) ?? "" }
  var executable: String { Self.link("exe", in: entry.raw) ?? "" }
}
