import VMAFormat
import WriterKit

/// What the format cannot hold is refused before anything is read.
struct JobCheck {
  private let job: Job
  private let options: Options
  /// Disks, and the state of a running machine.
  private let devices: [StreamDescription]
  private let configs: [StreamDescription]

  init(_ job: Job, _ options: Options) {
    self.job = job
    self.options = options
    devices = job.streams.filter { $0.kind != .config }
    configs = job.streams.filter { $0.kind == .config }
  }

  func run() throws(PluginError) {
    guard !job.streams.isEmpty else {
      throw PluginError(.badJob, "nothing to archive: no disks and no configurations")
    }
    try checkCounts()
    for device in devices {
      try checkSize(device)
      if device.kind == .disk { try checkDisk(device) } else { try checkState(device) }
    }
    for config in configs { try checkConfig(config) }
    try checkOrder()
    if options.isForProxmox { try ProxmoxConfiguration(job.streams).checkNames() }
  }

  private func checkCounts() throws(PluginError) {
    guard devices.count <= Layout.devicesMax else {
      throw PluginError(
        .tooLarge, "\(devices.count) disks; the limit of vma is \(Layout.devicesMax)")
    }
    guard configs.count <= Layout.configsMax else {
      throw PluginError(
        .tooLarge, "\(configs.count) configurations; the limit of vma is \(Layout.configsMax)")
    }
  }

  private func checkSize(_ device: StreamDescription) throws(PluginError) {
    guard let size = device.size else {
      throw PluginError(
        .unsupported, "vma needs the size of \"\(device.name)\" in advance")
    }
    guard size > 0 else {
      throw PluginError(.unsupported, "\"\(device.name)\" is empty; vma does not support that")
    }
    guard size <= Layout.deviceBytesMax else {
      throw PluginError(
        .tooLarge, "\"\(device.name)\" has \(size) bytes; the limit of vma is 256 TiB")
    }
  }

  private func checkDisk(_ disk: StreamDescription) throws(PluginError) {
    let size = disk.size ?? 0
    guard size % 512 == 0 else {
      throw PluginError(
        .unsupported,
        "\"\(disk.name)\" has \(size) bytes, not a multiple of 512: it would be restored with "
          + "another size; extend it to \((size + 511) / 512 * 512) bytes (truncate -s %512)")
    }
    guard disk.name != ArchiveHeader.stateName else {
      throw PluginError(
        .badJob,
        "a disk named \(disk.name) would be taken for the state of a running machine; rename it")
    }
  }

  /// Readers know it by its name alone.
  private func checkState(_ state: StreamDescription) throws(PluginError) {
    guard state.name == ArchiveHeader.stateName else {
      throw PluginError(
        .badJob,
        "vma stores the state of a running machine as \(ArchiveHeader.stateName), not as "
          + "\"\(state.name)\"; rename it")
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
    guard let first = job.streams.firstIndex(where: { $0.kind != .config }),
      let late = job.streams[first...].first(where: { $0.kind == .config })
    else { return }
    throw PluginError(
      .badJob, "configuration \"\(late.name)\" comes after a disk; vma needs configurations first")
  }
}
