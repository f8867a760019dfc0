public import Machine

/// What a plugin's author writes so that archives can be listed, restored and verified.
///
/// The kit calls the methods on one thread: `init`, then `read` as often as the host asks, then
/// `finish`.
/// The archive is hostile input: check every number and name that comes from it.
public protocol ArchiveReader: AnyObject {
  /// Whether ``read(_:_:into:)`` is quick for a part of a stream, in any order: what instant
  /// restore needs. Otherwise only whole streams are asked for. It is said before the archive is
  /// known: for a part of one that only goes forward, ``read(_:_:into:)`` throws E_UNSUPPORTED.
  static var readsRanges: Bool { get }

  /// Whether the kit holds whatever is read against the digests of ``streams``, and says what is
  /// proven by it; ``isProven`` is not asked then. A stream whose bytes have another digest fails
  /// with E_CORRUPT. Trees are compared (protocol.md §10); a stream without one, or with a SHA-256
  /// of all of it, proves nothing.
  static var checksDigests: Bool { get }

  /// Whether every byte of every stream that was read has been held against digests that the
  /// archive keeps of them: SHA-1 or better, never sums of headers alone. Asked after ``finish()``.
  var isProven: Bool { get }

  /// Opens the archive and finds out what is in it, without reading the streams.
  ///
  /// - Parameters:
  ///   - job: `mode` is `.read` or `.verify`; the latter also checks what costs time.
  ///   - input: The archive, open for reading.
  /// - Throws: E_CORRUPT for what is no whole archive of the format.
  init(job: Job, input: Input, host: Host) throws(PluginError)

  /// What the archive holds: ids 1…1024 and names unique, sizes known, digests if recorded.
  var streams: [StreamDescription] { get }

  /// Of what machine the backup is, as far as the archive tells: a conversion keeps it.
  var machine: Job.Machine { get }

  /// What the machine was made of, if the archive tells.
  var description: MachineDescription? { get }

  /// The backup's point in time, if the archive tells.
  var instant: Timestamp? { get }

  /// Puts a range of a stream into `sink`, in order and whole.
  ///
  /// What cannot be read of a damaged archive is told by ``ReadSink/damaged(_:_:)``, which throws
  /// unless the host wants the rest.
  ///
  /// - Parameters:
  ///   - stream: One of ``streams``.
  ///   - range: Inside the stream; begins on a multiple of 64 KiB. Empty for an empty stream.
  ///   - sink: Stands at the start of the range; must stand at its end afterwards.
  /// - Throws: Only this READ fails, the host may go on to another stream.
  func read(
    _ stream: StreamDescription, _ range: Range<UInt64>, into sink: ReadSink
  ) throws(PluginError)

  /// The host wants no more: checks what shows at the archive's end only. Say
  /// ``Host/busy(milliseconds:_:)`` if that takes long. Not called if no whole stream was read in
  /// read mode, nor if the last READ of one failed.
  ///
  /// - Throws: Whatever was read counts for nothing then.
  func finish() throws(PluginError)
}

extension ArchiveReader {
  /// Whole streams only.
  public static var readsRanges: Bool { false }
  /// The reader does so itself, or nobody does.
  public static var checksDigests: Bool { false }
  /// The archive keeps no digests.
  public var isProven: Bool { false }
  /// The archive does not tell.
  public var machine: Job.Machine { Job.Machine() }
  /// The archive does not tell.
  public var description: MachineDescription? { nil }
  /// The archive does not tell.
  public var instant: Timestamp? { nil }
  /// Nothing shows at the archive's end only.
  public func finish() throws(PluginError) {}
}
