import VMAFormat
import WriterKit

/// What the format cannot hold is refused before anything is read.
struct JobCheck {
  private let job: Job
  private let options: Options
  private let disks: [StreamDescription]
  private let configs: [StreamDescription]

  init(_ job: Job, _ options: Options) {
    self.job = job
    self.options = options
    disks = job.streams.filter { $0.kind == .disk }
    configs = job.streams.filter { $0.kind == .config }
  }

  func run() throws(PluginError) {
    guard !job.streams.isEmpty else {
      throw PluginError(.badJob, "nothing to archive: no disks and no configurations")
    }
    for stream in job.streams { try checkKind(stream) }
    try checkCounts()
    for disk in disks { try checkDisk(disk) }
    for config in configs { try checkConfig(config) }
    try checkOrder()
    if options.isForProxmox { try ProxmoxConfiguration(job.streams).checkNames() }
  }

  private func checkKind(_ stream: StreamDescription) throws(PluginError) {
    if stream.kind == .vmstate {
      throw PluginError(
        .unsupported,
        "vma cannot store memory state (\"\(stream.name)\"): its readers drop blocks of zeros")
    }
  }

  private func checkCounts() throws(PluginError) {
    guard disks.count <= Layout.devicesMax else {
      throw PluginError(
        .tooLarge, "\(disks.count) disks; the limit of vma is \(Layout.devicesMax)")
    }
    guard configs.count <= Layout.configsMax else {
      throw PluginError(
        .tooLarge, "\(configs.count) configurations; the limit of vma is \(Layout.configsMax)")
    }
  }

  private func checkDisk(_ disk: StreamDescription) throws(PluginError) {
    let size = disk.size ?? 0
    guard size > 0 else {
      throw PluginError(.unsupported, "\"\(disk.name)\" is empty; vma does not support that")
    }
    guard size <= Layout.deviceBytesMax else {
      throw PluginError(
        .tooLarge, "\"\(disk.name)\" has \(size) bytes; the limit of vma is 256 TiB")
    }
    guard size % 512 == 0 else {
      throw PluginError(
        .unsupported,
        "\"\(disk.name)\" has \(size) bytes, not a multiple of 512: it would be restored with "
          + "another size; extend it to \((size + 511) / 512 * 512) bytes (truncate -s %512)")
    }
    guard disk.name != "vmstate" else {
      throw PluginError(
        .badJob, "a disk named vmstate would be taken for the memory state; rename it")
    }
  }

  private func checkConfig(_ config: StreamDescription) throws(PluginError) {
    guard (config.size ?? 0) <= UInt64(Layout.blobBytesMax) else {
      throw PluginError(
        .tooLarge,
        "configuration \"\(config.name)\" has \(config.size ?? 0) bytes; the limit of vma is "
          + "\(Layout.blobBytesMax)")
    }
  }

  /// The header holds the configurations, and comes before the disks.
  private func checkOrder() throws(PluginError) {
    guard let firstDisk = job.streams.firstIndex(where: { $0.kind == .disk }),
      let late = job.streams[firstDisk...].first(where: { $0.kind == .config })
    else { return }
    throw PluginError(
      .badJob, "configuration \"\(late.name)\" comes after a disk; vma needs configurations first")
  }
}
