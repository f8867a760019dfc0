import ArchiveBytes
import ArchiveFiles
import DiskFormats
import WriterKit

/// What an appliance cannot hold is refused before anything is read.
struct OVAJobCheck {
  /// Bytes of all configurations, which are kept until the descriptor is written.
  static let configBytesMax: UInt64 = 64 << 20

  let job: Job
  let output: Output
  let options: OVAOptions

  func run() throws(PluginError) {
    try checkLevel()
    for stream in job.streams { try check(stream) }
    try checkOrder()
    let configs = job.streams.filter { $0.kind == .config }
    let bytes = configs.reduce(0) { $0 + ($1.size ?? 0) }
    guard bytes <= Self.configBytesMax else {
      throw PluginError(
        .tooLarge,
        "the configurations have \(bytes) bytes in total; the limit of ova is "
          + "\(Self.configBytesMax)")
    }
  }

  private func checkLevel() throws(PluginError) {
    guard let level = options.level, level > 0 else { return }
    if options.diskFormat == .qcow2 {
      throw PluginError(
        .badOption, "qcow2 disks of an ova are not compressed; omit \"level\" or write vmdk")
    }
    if output.kind == .pipe {
      throw PluginError(
        .badOption,
        "disks cannot be compressed in a pipe, since their size must be known first; omit "
          + "\"level\" and compress the output (… | zstd), or write to a file")
    }
  }

  private func check(_ stream: StreamDescription) throws(PluginError) {
    guard let size = stream.size else {
      throw PluginError(
        .unsupported, "ova needs the size of \"\(stream.name)\" in advance")
    }
    if stream.kind == .disk { try checkDisk(stream, size) }
  }

  private func checkDisk(_ disk: StreamDescription, _ size: UInt64) throws(PluginError) {
    do throws(PluginError) {
      try plugin { () throws(ArchiveError) in
        switch options.diskFormat {
        case .vmdk: try VMDKLayout.check(capacityBytes: size)
        case .qcow2: _ = try QCOW2Layout(capacityBytes: size, runs: ClusterRuns())
        }
      }
    } catch { throw PluginError(error.code, "\"\(disk.name)\": \(error.message)") }
  }

  /// The descriptor is written first and holds the configurations.
  private func checkOrder() throws(PluginError) {
    let kinds = job.streams.map(\.kind)
    guard let other = kinds.firstIndex(where: { $0 != .config }), kinds[other...].contains(.config)
    else { return }
    throw PluginError(.badJob, "ova needs the configurations before the disks")
  }
}
