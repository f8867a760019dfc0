import ArchiveBytes
import ArchiveFiles
import BackupProtocol
import RawFormat
import TarFormat
import WriterKit

/// Reads a tar archive, compressed or not, from a file or a stream.
///
/// One of ours tells what it holds in its first header, and goes by once. One of other programs is
/// gone through first, to find out; of a stream it is copied to the scratch file for that.
final class TarReader: ArchiveReader {
  /// By the headers of the members, of an uncompressed file.
  static let readsRanges = true

  let streams: [StreamDescription]
  let machine: Job.Machine
  let instant: Timestamp?
  /// File names of the streams.
  private let files: [UInt32: String]
  private let isOurs: Bool
  private let isVerified: Bool
  private let input: TarInput
  private var digests: [UInt32: StreamDigests] = [:]
  /// Made when the first part of a stream is wanted.
  private var shelf: MemberShelf?
  /// The stream that was read last.
  private var last: UInt32?
  /// Whether the archive's own digests have proven every stream that was read.
  private(set) var isProven = false

  init(job: Job, input: Input, host: Host) throws(PluginError) {
    isVerified = job.mode == .verify
    self.input = try TarInput(input, host, salvages: job.salvages)
    if let contents = try Contents(comment: try self.input.start()) {
      isOurs = true
      (machine, instant) = (contents.machine, contents.instant)
      streams = contents.streams
      files = Dictionary(
        uniqueKeysWithValues: contents.streams.map { ($0.id, Layout.raw.fileName($0)) })
      self.input.goOn()
    } else {
      isOurs = false
      (machine, instant) = (Job.Machine(), nil)
      var listing = ForeignListing(host)
      try self.input.list { member throws(PluginError) in
        if listing.streams.isEmpty { try Self.refuseAppliance(member) }
        try listing.add(member)
      }
      guard !listing.streams.isEmpty || !listing.hasHidden else {
        throw PluginError(.corrupt, "the archive has only files with hidden names")
      }
      (streams, files) = (listing.streams, listing.files)
    }
    try checkListing()
  }

  func read(
    _ stream: StreamDescription, _ range: Range<UInt64>, into sink: ReadSink
  ) throws(PluginError) {
    guard range == 0..<(stream.size ?? 0) else { return try readPart(stream, range, into: sink) }
    guard let file = files[stream.id], let member = try input.find(file) else {
      throw Self.missing(stream)
    }
    try Self.check(member, stream)
    if isOurs {
      let digesting = DigestingSink(sink, isHashed: stream.kind == .config)
      try input.deliver(member, to: digesting)
      digests[stream.id] = digesting.finish()
    } else {
      try input.deliver(member, to: PieceSink(sink))
    }
    last = stream.id
  }

  /// A part of a stream, which is not verified by a digest.
  private func readPart(
    _ stream: StreamDescription, _ range: Range<UInt64>, into sink: ReadSink
  ) throws(PluginError) {
    if shelf == nil { shelf = try input.shelf() }
    guard let shelf else {
      throw PluginError(
        .unsupported,
        "of an archive that is compressed, or comes through a pipe, only whole disks can be read")
    }
    guard let file = files[stream.id], let ranges = try shelf.member(file) else {
      throw Self.missing(stream)
    }
    try Self.check(ranges.member, stream)
    try shelf.deliver(ranges, range, to: PieceSink(sink))
  }

  private static func missing(_ stream: StreamDescription) -> PluginError {
    PluginError(.corrupt, "\"\(stream.name)\" is missing from the archive, or out of order")
  }

  private static func check(
    _ member: TarMember, _ stream: StreamDescription
  ) throws(PluginError) {
    guard member.byteCount == stream.size else {
      throw PluginError(
        .corrupt,
        "\"\(stream.name)\" has \(member.byteCount) bytes instead of \(stream.size ?? 0)")
    }
  }

  /// Looks at what comes after the streams.
  func finish() throws(PluginError) {
    if isOurs {
      let behind = streams.reversed().prefix { $0.id != last }
      try input.pass(Set(behind.map(Layout.raw.fileName)))
      try checkManifest()
    }
    if isVerified { try input.drain() }
  }

  /// Holds what was read against what the archive says of itself at its end.
  private func checkManifest() throws(PluginError) {
    let text = try input.content(of: Layout.manifest, atMost: Receipt.byteCountMax)
    let sums = try input.content(of: Layout.checksums, atMost: Checksums.byteCountMax)
    let manifest = try ArchiveManifest(parsing: text)
    let checksums = try Checksums(parsing: sums, of: manifest.streams, manifest: text)
    guard manifest.streams.count == streams.count else {
      throw PluginError(.corrupt, "\(Layout.manifest) does not match the streams in the archive")
    }
    isProven = true
    for (stream, recorded) in zip(streams, manifest.streams) {
      guard stream.name == recorded.name, stream.kind == recorded.kind,
        stream.role == recorded.role, stream.size == recorded.size
      else { throw PluginError(.corrupt, "\(Layout.manifest) does not match \"\(stream.name)\"") }
      guard let read = digests[stream.id] else { continue }
      let tree = recorded.digest.flatMap { $0.algorithm == .treeSHA256 ? $0 : nil }
      let isRight = tree.map { $0 == read.tree } ?? true
      let isListed = read.sha256.map { checksums[Layout.raw.fileName(stream)] == $0 } ?? true
      guard isRight && isListed else {
        throw PluginError(.corrupt, "\"\(stream.name)\" is damaged: digest mismatch")
      }
      if tree == nil && read.sha256 == nil { isProven = false }
    }
    try input.requireEnd()
  }

  /// The disks of an appliance are images, which this format does not know.
  private static func refuseAppliance(_ member: TarMember) throws(PluginError) {
    guard member.kind == .file, isDescriptor(member.name) else { return }
    throw PluginError(
      .unsupported, "this is an OVA appliance; use --format ova")
  }

  /// A list that the host could not take would be the end of the session.
  private func checkListing() throws(PluginError) {
    let listing = JSONValue.object(JobAck(streams: streams).object).serialised()
    guard listing.count <= Int(Limits.controlBytesMax) else {
      throw PluginError(.tooLarge, "the list of names in the archive is too long")
    }
  }
}
