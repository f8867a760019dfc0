import CommandLine
import System
package import Testing

/// A QEMU to run guests with.
package enum Emulator: String, Sendable, CaseIterable, CustomTestStringConvertible {
  /// The one on the PATH, Debian 12's 7.2.
  case installed
  /// The one that `scripts/qemu-backports` unpacked: SLUICE_QEMU_BACKPORTS names the directory.
  case backports

  /// What tests run that do not say which: the installed one, or what SLUICE_LIVE_EMULATOR names.
  package static let usual =
    environmentVariable("SLUICE_LIVE_EMULATOR").flatMap { Emulator(rawValue: $0) } ?? .installed

  package var path: String? {
    switch self {
    case .installed:
      Build.has("qemu-system-x86_64") ? "qemu-system-x86_64" : nil
    case .backports:
      environmentVariable("SLUICE_QEMU_BACKPORTS").map { $0 + "/usr/bin/qemu-system-x86_64" }
    }
  }

  package var testDescription: String { rawValue }

  /// Whether a guest can be run with it; else the tests are skipped for the reason `missing`.
  package var isThere: Bool {
    guard let path, GuestFiles.canBeMade else { return false }
    return self == .installed || (try? FileStatus(path: path)) != nil
  }

  package var missing: Comment {
    switch self {
    case .installed: "qemu-system-x86, gcc, cpio and apt-get are needed"
    case .backports: "backports: SLUICE_QEMU_BACKPORTS names no QEMU, see scripts/qemu-backports"
    }
  }
}
