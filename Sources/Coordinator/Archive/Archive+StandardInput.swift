internal import BackupProtocol
internal import Glibc
internal import JobSupport
internal import PluginHost
internal import Requests
internal import System

extension Archive {
  private static let inputName = "standard input"

  /// Looks at what is on standard input: a file is taken for one, a pipe is peeked into.
  ///
  /// There is no receipt beside it, but the user may name one.
  init(
    standardInput wanted: ArchiveRequest, _ surroundings: Surroundings, _ stop: StopSignal
  ) throws(JobError) {
    let format = wanted.format
    let opening = "read \(Self.inputName)"
    let status = try attempt(opening) { () throws(SystemCallError) in
      try FileStatus(descriptor: StandardStream.input, subject: Self.inputName)
    }
    path = Self.standardInput
    receipt = try wanted.receipt.map { name throws(JobError) in
      try ReceiptFile(named: name).require()
    }
    held =
      status.kind == .regular
      ? HeldArchive(
        try attempt(opening) { () throws(SystemCallError) in try StandardStream.readingEnd() },
        status
      )
      : nil
    switch status.kind {
    case .regular:
      kind = .file
      let head = (try? readBytes(StandardStream.input, at: 0, count: 4)) ?? []
      chosen = try Self.chosen(format, receipt, surroundings, head: head) { candidate in
        Self.hasMagic(candidate, StandardStream.input)
      }
    case .directory:
      throw JobError(.usage, cannot: opening, "it is a directory", hint: "name it as the archive")
    case .socket:
      // A plugin could also write to it.
      throw JobError(.usage, cannot: opening, "it is a socket", hint: "pipe it through cat(1)")
    case _ where isatty(StandardStream.input) == 1:
      throw JobError(.usage, cannot: opening, "it is a terminal", hint: "pipe an archive into it")
    default:
      kind = .pipe
      let isPipe = status.kind == .pipe
      chosen = try Self.streamed(format, receipt, isPipe: isPipe, surroundings, stop)
    }
  }

  /// Which format comes through the pipe; waits for its first bytes. What is no pipe, a tape for
  /// one, cannot be looked at without taking something out of it.
  private static func streamed(
    _ format: String?, _ receipt: Receipt?, isPipe: Bool, _ surroundings: Surroundings,
    _ stop: StopSignal
  ) throws(JobError) -> ChosenFormat {
    let formats = surroundings.catalog.plugins.flatMap(\.manifest.formats)
    // Named or not: a plugin's time begins when there is something to read.
    let count = format == nil ? headBytes(formats) : 1
    let head =
      isPipe ? try PipeHead.peek(StandardStream.input, count: count, stop: stop) : []
    let chosen = try chosen(format, receipt, surroundings, head: head) { candidate in
      candidate.magic.contains { magic in
        magic.offset < UInt64(head.count)
          && head.dropFirst(Int(magic.offset)).starts(with: magic.bytes)
      }
    }
    guard chosen.format.outputs.contains(.pipe), !chosen.plugin.manifest.needs.contains(.seek)
    else {
      throw JobError(
        .unavailable, "the format \"\(chosen.format.name)\" cannot be read from a pipe",
        hint: "save the archive to a file first")
    }
    return chosen
  }

  /// Bytes needed to detect every format that has magic numbers.
  private static func headBytes(_ formats: [ManifestFormat]) -> Int {
    let ends = formats.flatMap(\.magic).map { Int($0.offset) + $0.bytes.count }
    return max(1, ends.filter { $0 <= PipeHead.byteCountMax }.max() ?? 1)
  }

  private static func chosen(
    _ format: String?, _ receipt: Receipt?, _ surroundings: Surroundings, head: [UInt8],
    _ isIt: (ManifestFormat) -> Bool
  ) throws(JobError) -> ChosenFormat {
    let maker = ArchiveMaker(receipt, inputName, surroundings)
    if let format { return try maker.chosen(format) }
    for plugin in surroundings.catalog.plugins {
      for format in plugin.manifest.formats where isIt(format) {
        return try surroundings.chosen(format, of: plugin)
      }
    }
    if let missing = try maker.missing() { throw missing }
    throw UnknownFile(name: inputName, head: head, surroundings).error
  }
}
