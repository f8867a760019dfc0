import VMAFormat
import WriterKit

/// What the format cannot hold is refused before anything is read.
struct JobCheck {
  private let job: Job
  private let output: Output
  private let options: Options
  private let disks: [StreamDescription]
  private let configs: [StreamDescription]

  init(_ job: Job, _ output: Output, _ options: Options) {
    self.job = job
    self.output = output
    self.options = options
    disks = job.streams.filter { $0.kind == .disk }
    configs = job.streams.filter { $0.kind == .config }
  }

  func run() throws(PluginError) {
    guard output.kind != .directory else {
      throw PluginError(.badJob, "vma writes a file or a pipe, not a directory")
    }
    guard !job.streams.isEmpty else {
      throw PluginError(.badJob, "an archive without disk and configuration cannot be read again")
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
        "vma does not store the machine's memory, \"\(stream.name)\": its readers lose zeros of it")
    }
    if stream.isIncremental {
      throw PluginError(
        .unsupported, "vma holds whole disks only, and \"\(stream.name)\" is incremental")
    }
  }

  private func checkCounts() throws(PluginError) {
    guard disks.count <= Layout.devicesMax else {
      throw PluginError(
        .tooLarge, "\(disks.count) disks; a VMA archive holds \(Layout.devicesMax)")
    }
    guard configs.count <= Layout.configsMax else {
      throw PluginError(
        .tooLarge, "\(configs.count) configurations; a VMA archive holds \(Layout.configsMax)")
    }
  }

  private func checkDisk(_ disk: StreamDescription) throws(PluginError) {
    let size = disk.size ?? 0
    guard size > 0 else {
      throw PluginError(.unsupported, "\"\(disk.name)\" is empty; a VMA archive has no such disks")
    }
    guard size <= Layout.deviceBytesMax else {
      throw PluginError(
        .tooLarge, "\"\(disk.name)\" has \(size) bytes; a VMA archive holds 256 TiB of a disk")
    }
    guard size % 512 == 0 else {
      throw PluginError(
        .unsupported,
        "\"\(disk.name)\" has \(size) bytes, no multiple of 512: it would come back with another "
          + "size; lengthen the image to \((size + 511) / 512 * 512) bytes (truncate -s %512)")
    }
    guard disk.name != "vmstate" else {
      throw PluginError(
        .badJob, "a disk called vmstate would be taken for the machine's memory; rename it")
    }
  }

  private func checkConfig(_ config: StreamDescription) throws(PluginError) {
    guard (config.size ?? 0) <= UInt64(Layout.blobBytesMax) else {
      throw PluginError(
        .tooLarge,
        "\"\(config.name)\" has \(config.size ?? 0) bytes; a configuration in a VMA archive has "
          + "\(Layout.blobBytesMax) at most")
    }
  }

  /// The header holds the configurations, and comes before the disks.
  private func checkOrder() throws(PluginError) {
    guard let firstDisk = job.streams.firstIndex(where: { $0.kind == .disk }),
      let late = job.streams[firstDisk...].first(where: { $0.kind == .config })
    else { return }
    throw PluginError(
      .badJob, "configuration \"\(late.name)\" comes after a disk; vma needs it before")
  }
}
