internal import System

/// A file system of another kind, mounted below a scratch directory; gone with its owner.
package final class ForeignMount: Sendable {
  package enum Kind: String, Sendable, CaseIterable {
    /// A directory shown again by a process: no RENAME_NOREPLACE, but hard links and owners.
    case bindfs
    /// No owners, no links, no holes, no fallocate.
    case exfat
    /// No RENAME_NOREPLACE; a second name of a file looks like another file.
    case sshfs
    /// Says that it has given a file away, and keeps its owner.
    case ntfs

    private var tools: [String] {
      switch self {
      case .bindfs: ["bindfs"]
      case .exfat: ["mkfs.exfat", "mount.exfat-fuse", "losetup"]
      case .sshfs: ["sshfs"]
      case .ntfs: ["mkntfs", "ntfs-3g"]
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
    case .sshfs:
      device = nil
      try await scratch.shell("mkfifo answers")
      // Without a network: the server of SFTP at the other end of two pipes.
      server = try Program(
        [
          "/bin/sh", "-c",
          """
          cd '\(scratch.directory)' && /usr/lib/openssh/sftp-server <answers |
            sshfs -f ":$PWD/below" mounted -o passive >answers
          """,
        ])
    case .ntfs:
      device = nil
      try await scratch.shell("truncate -s \(mebibytes)M image && mkntfs -F -Q image")
      server = try Program(
        [
          "/usr/bin/ntfs-3g", "-o", "no_detach,umask=077", scratch.path("image"), directory,
        ])
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
