internal import CLinux
internal import Glibc
internal import System

/// Frees a guest from the write protection that a background snapshot has left on its RAM.
///
/// QEMU 7.2 takes it away only if the snapshot completes. If it fails or is cancelled, the threads
/// of the guest wait for ever at their next write, for an answer from a userfaultfd that QEMU does
/// not read any more; `stop` then blocks QEMU itself. Whoever may trace QEMU can duplicate
/// that descriptor, and end the protection in QEMU's place.
enum UserfaultRescue {
  /// What links to such a descriptor read, in `/proc/PID/fd`.
  private static let kind = "anon_inode:[userfaultfd]"

  /// Whether this process could do it, should it be necessary.
  static func isPossible(_ process: Int32?) -> Bool {
    guard let process, let pidfd = try? open(process),
      let number = (try? listDirectory("/proc/\(process)/fd"))?.compactMap({ Int32($0) }).first
    else { return false }
    return (try? duplicate(number, of: pidfd)) != nil
  }

  /// Ends all such protection in a process.
  ///
  /// - Returns: Whether there was any.
  @discardableResult
  static func run(_ process: Int32?) -> Bool {
    guard let process, let pidfd = try? open(process) else { return false }
    var isFound = false
    for number in (try? listDirectory("/proc/\(process)/fd"))?.compactMap({ Int32($0) }) ?? []
    where isUserfault(number, process) {
      guard let descriptor = try? duplicate(number, of: pidfd) else { continue }
      for range in mappings(process) {
        // What is not protected is refused.
        let result = clinux_userfault_release(descriptor.raw, range.start, range.length)
        if result == 0 { isFound = true }
      }
    }
    return isFound
  }

  private static func open(_ process: Int32) throws(SystemCallError) -> OwnedDescriptor {
    OwnedDescriptor(
      adopting: try check(clinux_pidfd_open(process), .pidfdOpen, "process \(process)"))
  }

  private static func duplicate(
    _ number: Int32, of pidfd: borrowing OwnedDescriptor
  ) throws(SystemCallError) -> OwnedDescriptor {
    OwnedDescriptor(
      adopting: try check(
        clinux_pidfd_descriptor(pidfd.raw, number), .pidfdOpen, "descriptor \(number)"))
  }

  private static func isUserfault(_ number: Int32, _ process: Int32) -> Bool {
    var bytes = [CChar](repeating: 0, count: 64)
    let count = unsafe clinux_readlinkat(
      currentDirectory, "/proc/\(process)/fd/\(number)", &bytes, bytes.count)
    guard count > 0, count < bytes.count else { return false }
    return nameText(bytes.prefix(count).map { UInt8(bitPattern: $0) }) == kind
  }

  /// Where a process has memory: lines of `/proc/PID/maps` such as `7f…000-7f…000 rw-p …`.
  private static func mappings(_ process: Int32) -> [(start: UInt64, length: UInt64)] {
    let bytes = (try? readSmallFile("/proc/\(process)/maps", limit: 64 << 20)) ?? []
    return bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
      let range = String(decoding: line.prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self)
      let ends = range.split(separator: "-").compactMap { UInt64($0, radix: 16) }
      guard ends.count == 2, ends[0] < ends[1] else { return nil }
      return (ends[0], ends[1] - ends[0])
    }
  }
}
