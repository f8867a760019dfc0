internal import System

/// A file system of another kind, mounted below a scratch directory; gone with its owner.
package final class ForeignMount: Sendable {
  package enum Kind: String, Sendable, CaseIterable {
    /// A directory shown again by a process: no RENAME_NOREPLACE, but hard links and owners.
    case bindfs
    /// No owners, no links, no holes, no fallocate.
    case exfat

    private var tools: [String] {
      switch self {
      case .bindfs: ["bindfs"]
      case .exfat: ["mkfs.exfat", "mount.exfat-fuse", "losetup"]
      }
    }

    /// Whether it can be mounted here, by root.
    package static var canAll: Bool {
      Build.isRoot && (try? FileStatus(path: "/dev/fuse")) != nil
        && allCases.allSatisfy { kind in
          kind.tools.allSatisfy { tool in
            ["/usr/bin/", "/usr/sbin/", "/sbin/"].contains {
              (try? FileStatus(path: $0 + tool)) != nil
            }
          }
        }
    }
  }

  private let scratch: Scratch
  /// The file system's own process, in the foreground: what a shell leaves behind is killed.
  private let server: Program
  /// Of the loop device, if there is one.
  private let device: String?
  package let directory: String

  package init(_ kind: Kind, mebibytes: Int = 256) async throws {
    scratch = try Scratch()
    directory = scratch.path("mounted")
    try await scratch.shell("mkdir mounted below")
    switch kind {
    case .bindfs:
      device = nil
      server = try Program(["/usr/bin/bindfs", "-f", scratch.path("below"), directory])
    case .exfat:
      try await scratch.shell("truncate -s \(mebibytes)M image && mkfs.exfat image")
      let found = try await scratch.shell("losetup -f --show image")
      let device = String(found.prefix { $0 != "\n" })
      self.device = device
      // -d is what keeps it in the foreground.
      server = try Program(
        ["/usr/sbin/mount.exfat-fuse", "-d", "-o", "umask=077", device, directory])
    }
    try await scratch.shell(
      "for i in $(seq 200); do mountpoint -q mounted && exit 0; sleep 0.05; done; exit 1")
  }

  deinit {
    runAtOnce(["/bin/umount", "-l", directory])
    if let device { runAtOnce(["/sbin/losetup", "-d", device]) }
  }

  package func path(_ name: String) -> String { directory + "/" + name }

  /// Names in it, hidden ones too.
  package func names() throws -> [String] { try listDirectory(directory).sorted() }
}
