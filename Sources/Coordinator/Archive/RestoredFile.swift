package import BackupProtocol
internal import JobSupport
package import Requests

/// The files that streams become when they are restored into one directory.
package enum RestoredFile {
  /// A disk is `NAME.raw`, the state of a machine `NAME.bin`; a configuration keeps its name. Names
  /// were checked when they came in.
  package static func name(_ stream: StreamDescription) -> String {
    switch stream.kind {
    case .disk: stream.name + ".raw"
    case .vmstate: stream.name + ".bin"
    case .config: stream.name
    }
  }

  /// A disk or the state of a machine, and a configuration that would become the same file.
  package struct Clash: Sendable {
    package let disk: String
    package let other: String

    package var words: String {
      "\"\(disk)\" and \"\(other)\" would both be restored to \(other)"
    }
    package var remedy: Remedy { .parts(disk: disk, other: other) }
  }

  /// Names of streams are unique, so that only a configuration and something else can clash.
  package static func clash(_ streams: [StreamDescription]) -> Clash? {
    let disks = streams.filter { $0.kind != .config }
    let others = Set(streams.filter { $0.kind == .config }.map(\.name))
    guard let disk = disks.first(where: { others.contains(name($0)) }) else { return nil }
    return Clash(disk: disk.name, other: name(disk))
  }

  /// Whoever only looks at an archive hears what would hold up its restore.
  static func warnOfClash(_ streams: [StreamDescription], _ events: EventSink) {
    guard let clash = clash(streams) else { return }
    events(.warning(clash.words, clash.remedy))
  }
}
