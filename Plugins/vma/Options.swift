import ArchiveFiles
import WriterKit

/// The options of vma.json.
struct Options {
  let compression: Compression
  /// Complete `qemu-server.conf` and check the names of devices.
  let isForProxmox: Bool

  init(_ options: JobOptions) throws(PluginError) {
    compression = try options.compression("compress")
    isForProxmox = options.flag("proxmox")
  }
}
