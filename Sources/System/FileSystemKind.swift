internal import CLinux

/// What kind of file system an open file lies on, by its number in statfs(2).
package struct FileSystemKind: Sendable {
  private let magic: UInt32

  /// - Returns: `nil` if the kernel does not tell.
  package init?(descriptor: Int32) {
    let type = clinux_file_system_type(descriptor)
    guard type >= 0 else { return nil }
    magic = UInt32(truncatingIfNeeded: type)
  }

  private static let nfs: UInt32 = 0x6969
  private static let fuse: UInt32 = 0x6573_5546

  /// SMB, CIFS, SMB2, 9p, Ceph, OCFS2, GFS2, Lustre, GPFS, AFS, and AFS of OpenAFS.
  private static let shared: Set<UInt32> = [
    0x517B, 0xFF53_4D42, 0xFE53_4D42, 0x0102_1997, 0x00C3_6400, 0x7461_636F, 0x0116_1970,
    0x0BD0_0BD0, 0x4750_4653, 0x6B41_4653, 0x5346_414F,
  ]

  package var isNFS: Bool { magic == Self.nfs }

  /// Whether it is made by a process, or through one.
  package var isFUSE: Bool { magic == Self.fuse }

  /// Whether other machines may write to it at the same time. FUSE may be anything.
  package var isUsedByOtherMachines: Bool { isNFS || isFUSE || Self.shared.contains(magic) }
}
