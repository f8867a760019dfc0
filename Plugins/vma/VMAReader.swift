import ArchiveBytes
import ArchiveFiles
import BackupProtocol
import VMAFormat
import WriterKit

/// Reads an archive, compressed or not, from a file or a stream.
///
/// Streams come in the order in which one pass over the archive gives them: configurations, which
/// are in the header, then disks by their numbers. An uncompressed file can be passed over again;
/// of everything else a stream that was left behind is gone.
final class VMAReader: ArchiveReader {
  /// By an index of the extents, of an uncompressed file.
  static let readsRanges = true

  let streams: [StreamDescription]
  let instant: Timestamp?
  private let header: ArchiveHeader
  private let archive: OpenedArchive
  private let host: Host
  private let isVerified: Bool
  private let salvages: Bool
  private var pass: ArchivePass
  /// Made when the first part of a disk is wanted.
  private var ranges: ArchiveRanges?
  /// Bytes kept or passed over since the host last heard of us.
  private var detourBytes = 0

  init(job: Job, input: Input, host: Host) throws(PluginError) {
    archive = try OpenedArchive(input, scratch: host.scratch, salvages: job.salvages)
    let source = archive.source
    header = try plugin { () throws(ArchiveError) in try ArchiveHeader(reading: source) }
    self.host = host
    isVerified = job.mode == .verify
    salvages = job.salvages
    streams = Self.streams(header)
    // The first second of 1970 is what writers without a clock say.
    instant = header.created > 0 ? Timestamp(secondsSince1970: header.created) : nil
    pass = archive.pass(header, salvages: salvages)
    try checkListing()
    for oddity in header.oddities { host.log(.warning, oddity) }
  }

  func read(
    _ stream: StreamDescription, _ range: Range<UInt64>, into sink: ReadSink
  ) throws(PluginError) {
    guard range == 0..<(stream.size ?? 0) else { return try readPart(stream, range, into: sink) }
    if stream.kind == .config {
      try put(content(Int(stream.id) - 1), into: sink)
    } else {
      let device = device(stream)
      try rewind(toReach: device)
      listenForDetours()
      try plugin { () throws(ArchiveError) in
        try pass.deliver(device, to: PieceSink(sink))
      }
    }
    // The last one alone fails for what is wrong behind it: the others came whole.
    if stream.id == streams.last?.id && endsWithDisk && !isVerified && !salvages { try drain() }
  }

  private func device(_ stream: StreamDescription) -> ArchiveHeader.Device {
    header.devices[Int(stream.id) - 1 - header.configs.count]
  }

  /// A part of a stream; the pass that delivers whole ones stays where it is.
  private func readPart(
    _ stream: StreamDescription, _ range: Range<UInt64>, into sink: ReadSink
  ) throws(PluginError) {
    guard stream.kind != .config else {
      let content = content(Int(stream.id) - 1)
      let start = content.startIndex + Int(range.lowerBound)
      return try put(content[start..<(start + range.count)], into: sink)
    }
    if ranges == nil && !salvages { ranges = try archive.ranges(header) }
    guard let ranges else {
      throw PluginError(
        .unsupported,
        "of an archive that is compressed, or comes through a pipe, only whole disks can be read")
    }
    ranges.onScan = detour("looking for clusters")
    try plugin { () throws(ArchiveError) in
      try ranges.read(device(stream), range, to: PieceSink(sink))
    }
  }

  /// A configuration is in the header: what is wrong with extents is no fault of it.
  private var endsWithDisk: Bool { !header.devices.isEmpty }

  func finish() throws(PluginError) {
    guard !salvages else {
      listenForDetours()
      return try plugin { () throws(ArchiveError) in try pass.endSalvage() }
    }
    // How long the state of a machine is shows at the archive's end only.
    if isVerified || !endsWithDisk || pass.hasGivenMemory { try drain() }
  }

  private static func streams(_ header: ArchiveHeader) -> [StreamDescription] {
    var streams: [StreamDescription] = []
    for config in header.configs {
      streams.append(
        StreamDescription(
          id: UInt32(streams.count + 1), kind: .config, name: config.name,
          role: role(of: config.name), size: UInt64(content(config, header).count)))
    }
    for device in header.devices {
      streams.append(
        StreamDescription(
          id: UInt32(streams.count + 1), kind: device.isMemory ? .vmstate : .disk,
          name: device.name, role: device.isMemory ? "vmstate" : "disk", size: device.size))
    }
    return streams
  }

  /// A list that the host could not take would be the end of the session.
  private func checkListing() throws(PluginError) {
    let listing = JSONValue.object(JobAck(streams: streams).object).serialised()
    guard listing.count <= Int(Limits.controlBytesMax) else {
      throw PluginError(.tooLarge, "the list of names in the archive is too long")
    }
  }

  private static func role(of config: String) -> String {
    switch config {
    case ProxmoxConfiguration.name: "proxmox-conf"
    case "qemu-server.fw": "proxmox-fw"
    default: "config"
    }
  }

  private static func content(
    _ config: ArchiveHeader.Config, _ header: ArchiveHeader
  ) -> ArraySlice<UInt8> {
    let content = header.content(config)
    return config.name == ProxmoxConfiguration.name
      ? ProxmoxConfiguration.original(content) : content
  }

  private func content(_ index: Int) -> ArraySlice<UInt8> {
    Self.content(header.configs[index], header)
  }

  private func put(_ bytes: ArraySlice<UInt8>, into sink: ReadSink) throws(PluginError) {
    var left = bytes
    while !left.isEmpty {
      let part = left.prefix(sink.pieceBytesMax)
      try sink.data(part.count) { span throws(PluginError) in
        unsafe span.withUnsafeMutableBytes { unsafe $0.copyBytes(from: part) }
      }
      left = left.dropFirst(part.count)
    }
  }

  /// Starts again where the archive can be read twice and the pass is beyond the device.
  private func rewind(toReach device: ArchiveHeader.Device) throws(PluginError) {
    if pass.canDeliver(device) { return }
    guard try archive.rewind(behind: header) else {
      throw PluginError(
        .unsupported,
        "\"\(device.name)\" cannot be read: a stream cannot be rewound, or continued after an "
          + "error; use a file")
    }
    let hasGivenMemory = pass.hasGivenMemory
    pass = archive.pass(header, salvages: salvages)
    pass.hasGivenMemory = hasGivenMemory
  }

  private func drain() throws(PluginError) {
    listenForDetours()
    try plugin { () throws(ArchiveError) in try pass.drain() }
  }

  private func listenForDetours() {
    pass.onDetour = detour("buffering clusters that are out of order")
  }

  /// Says that we work on, while nothing comes that the host could see.
  private func detour(_ what: String) -> (Int) -> Void {
    detourBytes = 0
    return { [unowned self] count in
      detourBytes += count
      guard detourBytes >= 1 << 30 else { return }
      detourBytes = 0
      host.busy(milliseconds: 60_000, what)
    }
  }
}
