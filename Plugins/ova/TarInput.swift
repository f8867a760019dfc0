import ArchiveBytes
import ArchiveFiles
import BackupProtocol
import RawFormat
import TarFormat
import WriterKit

/// The members of an archive, as often as they are needed.
final class TarInput {
  private let host: Host
  private let origin: Input
  private let salvages: Bool
  /// Where it is read again from.
  private var scratch: Int32?
  private var input: ArchiveInput
  private var walk: TarWalk
  /// The member that the walk stands at, whose bytes nobody took.
  private var current: TarMember?
  private let work: LongWork

  init(_ origin: Input, _ host: Host, salvages: Bool) throws(PluginError) {
    self.host = host
    self.origin = origin
    self.salvages = salvages
    work = LongWork(host)
    input = try ArchiveInput(origin, keepsStart: true, salvages: salvages)
    walk = TarWalk(input.source)
    listen()
  }

  /// Goes to the first member.
  ///
  /// - Returns: The comment of the archive.
  func start() throws(PluginError) -> String? {
    try advance()
    return walk.comment
  }

  /// The start is not needed again.
  func goOn() { input.forgetStart() }

  /// Goes through the archive once, and back to its start.
  func list(_ body: (TarMember) throws(PluginError) -> Void) throws(PluginError) {
    if !input.canRestart { try spool() }
    while let member = current {
      try body(member)
      try advance()
    }
    try walk.checkEnd(isOurs: false, host)
    try restart()
  }

  /// Goes on to a file; back to the start if it is not there and the archive can be read again.
  ///
  /// - Returns: `nil` if there is no such file.
  func find(_ file: String) throws(PluginError) -> TarMember? {
    if let member = try findForward(file) { return member }
    guard input.canRestart else { return nil }
    try restart()
    return try findForward(file)
  }

  /// Another walk through the same archive, for parts of its members.
  ///
  /// - Returns: `nil` for what has no bytes at any place: a stream, or an archive that is
  ///   compressed.
  func shelf() throws(PluginError) -> MemberShelf? {
    guard input.file != nil, !salvages else { return nil }
    return try MemberShelf(scratch ?? origin.descriptor, work)
  }

  /// Skips files, each of them once.
  func pass(_ files: Set<String>) throws(PluginError) {
    var left = files
    if current == nil { try advance() }
    while let member = current, member.kind == .file,
      left.remove(try fileName(ofMember: member.name)) != nil
    {
      try advance()
    }
  }

  /// Puts the file that was found into a sink.
  func deliver(_ member: TarMember, to sink: any ClusterSink) throws(PluginError) {
    current = nil
    try plugin { () throws(ArchiveError) in
      try member.deliver(from: walk.source, to: sink)
    }
  }

  /// The whole of a small file, which comes next.
  func content(of file: String, atMost most: Int) throws(PluginError) -> [UInt8] {
    if current == nil { try advance() }
    guard let member = current, member.kind == .file,
      try fileName(ofMember: member.name) == file
    else { throw PluginError(.corrupt, "\(file) is missing at the end of the archive") }
    guard member.byteCount <= UInt64(most) else {
      throw PluginError(.corrupt, "\(file) has \(member.byteCount) bytes: too many")
    }
    let sink = MemorySink()
    try deliver(member, to: sink)
    return sink.bytes
  }

  /// Refuses an archive of Sluice that goes on, or ends too early.
  func requireEnd() throws(PluginError) {
    if current == nil { try advance() }
    guard current == nil else {
      throw PluginError(.corrupt, "the archive has a member after \(Layout.checksums)")
    }
    try walk.checkEnd(isOurs: true, host)
  }

  /// Goes to the end of the archive, and of the file.
  func drain() throws(PluginError) {
    try plugin { () throws(ArchiveError) in try walk.drain() }
  }

  private func findForward(_ file: String) throws(PluginError) -> TarMember? {
    if current == nil { try advance() }
    while let member = current {
      if member.kind == .file, try fileName(ofMember: member.name) == file { return member }
      try advance()
    }
    return nil
  }

  private func advance() throws(PluginError) {
    current = try plugin { () throws(ArchiveError) in try walk.next() }
  }

  private func restart() throws(PluginError) {
    input =
      if let scratch { try ArchiveInput(file: scratch, salvages: salvages) } else {
        try ArchiveInput(origin, salvages: salvages)
      }
    walk = TarWalk(input.source)
    listen()
    try advance()
  }

  /// Copies a stream that does not say what it holds to where it can be read twice.
  private func spool() throws(PluginError) {
    guard let descriptor = host.scratch else {
      throw PluginError(
        .unsupported, "archives of other programs cannot be read from a pipe; use a file")
    }
    host.busy(milliseconds: 600_000, "copying an archive without a table of contents")
    try plugin { () throws(ArchiveError) in
      try input.spool(to: ScratchDescriptor(descriptor)) {
        work.heed(UInt64($0), "copying the archive")
      }
    }
    scratch = descriptor
    try restart()
  }

  private func listen() {
    walk.onPassing = { [work] in work.heed($0, "scanning the archive") }
  }
}

/// A small file as it is.
private final class MemorySink: ClusterSink {
  private(set) var bytes: [UInt8] = []

  let pieceBytesMax = 64 << 10

  func zeros(_ count: UInt64, _ kind: Extent.Kind) throws(ArchiveError) {
    bytes.append(contentsOf: repeatElement(0, count: Int(count)))
  }

  func data(
    _ count: Int, masks: Span<BlockMask>,
    _ fill: (inout MutableRawSpan) throws(ArchiveError) -> Void
  ) throws(ArchiveError) {
    var piece = [UInt8](repeating: 0, count: count)
    var span = piece.mutableSpan
    var raw = unsafe span.mutableBytes
    try fill(&raw)
    bytes += piece
  }
}
