import ArchiveBytes
import ArchiveFiles
import DiskFormats
import OVFFormat
import WriterKit

/// An archive that is being read, in one way or another.
protocol OpenedAppliance: AnyObject {
  var appliance: Appliance { get }
  /// Where it can be had before the streams are read.
  var receipt: ApplianceReceipt? { get }

  /// Whether the manifest has a digest that can be checked of every member but itself and its
  /// signature.
  var hasLineForEveryMember: Bool { get }

  /// Puts a stream into `sink`.
  func deliver(_ part: Appliance.Part, to sink: ReadSink) throws(PluginError)

  /// Puts a part of a stream into `sink`; nothing proves it.
  func deliver(
    _ part: Appliance.Part, _ range: Range<UInt64>, to sink: ReadSink
  ) throws(PluginError)

  /// No stream will be read any more: checks what can only be checked now.
  func complete() throws(PluginError)
}

extension OpenedAppliance {
  /// What an archive of ours has beside its streams: a line in the manifest for every member, and a
  /// member for every file of the descriptor.
  func checkOurs(_ manifest: ApplianceManifest, _ names: MemberNames) throws(PluginError) {
    try manifest.requireOurs()
    try checkLines(manifest, names)
    if let name = names.listed.first(where: { !manifest.files.contains($0) }) {
      throw PluginError(.corrupt, "the manifest (.mf) has no line for \"\(name)\"")
    }
    let files = Set(appliance.descriptor.files.map(\.name))
    if let name = files.first(where: { !names.contains($0) }) { throw missingMember(name) }
    let others = names.listed.filter { !files.contains($0) && $0 != names.descriptor }
    if let name = others.first ?? names.hidden.min() {
      throw PluginError(
        .corrupt, "unexpected file \"\(name)\", not in the descriptor")
    }
  }

  /// What a manifest names has to be there.
  ///
  /// - Parameter told: Files that the descriptor names, each of which is a stream that fails.
  func checkLines(
    _ manifest: ApplianceManifest, _ names: MemberNames, except told: Set<String> = []
  ) throws(PluginError) {
    let isMissing = {
      !names.contains($0) && !names.hidden.contains($0) && !told.contains($0)
    }
    if let name = manifest.files.first(where: isMissing) {
      throw missingMember(name)
    }
  }
}

func missingMember(_ name: String) -> PluginError {
  PluginError(.corrupt, "\"\(name)\" is missing from the archive")
}

extension Appliance.Part {
  /// Reads a stream of ours from its member.
  ///
  /// - Parameter source: Stands at the member's start.
  func deliver(
    _ source: any ByteSource, byteCount: UInt64, to sink: ReadSink
  ) throws(PluginError) -> StreamDigests {
    guard disk != nil else {
      return try deliver(FlatReader(source, capacityBytes: byteCount), to: sink)
    }
    let reader = try plugin { () throws(ArchiveError) in try VMDKStreamReader(source) }
    return try deliver(reader, to: sink)
  }

  /// Reads a stream of ours.
  func deliver(_ reader: any DiskReader, to sink: ReadSink) throws(PluginError) -> StreamDigests {
    try check(reader)
    let digesting = DigestingSink(sink, isHashed: stream.kind == .config)
    try plugin { () throws(ArchiveError) in try reader.read(to: digesting) }
    return digesting.finish()
  }

  /// A disk has as many bytes as were announced, or nothing of it is read.
  func check(_ reader: any DiskReader) throws(PluginError) {
    guard reader.capacityBytes == stream.size else {
      throw PluginError(
        .corrupt,
        "\"\(stream.name)\" has \(reader.capacityBytes) bytes instead of \(stream.size ?? 0) as "
          + "announced")
    }
  }
}
