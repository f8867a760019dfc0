internal import CLinux
internal import Glibc

/// What the kernel knows of a file.
package struct FileStatus: Equatable, Sendable {
  package enum Kind: Equatable, Sendable {
    case regular, directory, blockDevice, link, pipe, socket, other
  }

  package let kind: Kind
  /// Permission bits, 0…0o7777.
  package let permissions: UInt32
  /// Length in bytes; 0 for a block device.
  package let size: Int64
  /// Bytes really taken on the disk.
  package let storedBytes: Int64
  package let owner: UInt32
  package let group: UInt32
  package let linkCount: Int
  /// Filesystem and number: together, the identity of the file.
  package let device: UInt64
  package let inode: UInt64
  /// When the content was changed last, in seconds since 1970.
  package let modified: Int64

  /// Looks at an open file.
  package init(descriptor: Int32, subject: String) throws(SystemCallError) {
    var status = stat()
    try check(unsafe clinux_fstat(descriptor, &status), .fstat, subject)
    self.init(status)
  }

  /// Looks at a name without following a symbolic link.
  package init(path: String, in directory: Int32 = currentDirectory) throws(SystemCallError) {
    var status = stat()
    try check(unsafe clinux_fstatat(directory, path, &status), .fstat, path)
    self.init(status)
  }

  init(_ status: stat) {
    kind =
      switch status.st_mode & S_IFMT {
      case S_IFREG: .regular
      case S_IFDIR: .directory
      case S_IFBLK: .blockDevice
      case S_IFLNK: .link
      case S_IFIFO: .pipe
      case S_IFSOCK: .socket
      default: .other
      }
    permissions = status.st_mode & 0o7777
    size = Int64(status.st_size)
    storedBytes = Int64(status.st_blocks) * 512
    owner = status.st_uid
    group = status.st_gid
    linkCount = Int(status.st_nlink)
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    modified = Int64(status.st_mtim.tv_sec)
  }
}
