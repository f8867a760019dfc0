/// What a plugin's author writes: turns the streams of one job into an archive.
///
/// The kit calls the methods on one thread, in this order: `init`, then for each stream one after
/// the other `open`, any number of `data` and `zero`, `close`; at the end `finish`. Instead of any
/// of them `abort` may come. What arrives has been checked: `data` and `zero` follow each other
/// without gap from 0 to the end of the stream, every stream of the job comes exactly once.
///
/// All methods may block: a slow writer slows the host down and nothing else. Throwing ends the
/// job; `abort` is called then.
public protocol ArchiveWriter: AnyObject {
  /// Looks at the job and prepares: nothing of a stream has come yet. The place for every check of
  /// names and sizes, since a refusal here costs nobody an hour of copying. Options are in
  /// ``Host/options``, checked.
  ///
  /// - Throws: E_BAD_JOB, E_BAD_OPTION, E_TOO_LARGE, …; ``abort()`` is not called, so leave
  ///   nothing behind.
  init(job: Job, output: Output, host: Host) throws(PluginError)

  /// The allocation map of a stream, before the first `open`; only if the manifest's `needs` name
  /// `map` and the host has maps. The extents cover the stream from 0 to its end.
  func map(_ stream: StreamDescription, _ extents: [Extent]) throws(PluginError)

  /// A stream begins.
  func open(_ stream: StreamDescription) throws(PluginError)

  /// Bytes of the open stream. They go back to the host when the method returns, unless the
  /// writer keeps them: ``StreamData/keep()``.
  func data(_ data: borrowing StreamData) throws(PluginError)

  /// A range of the open stream without data.
  ///
  /// - Parameters:
  ///   - range: Bytes from the start of the stream; may be terabytes.
  ///   - kind: `.zero` and `.hole` read as zeros; `.unchanged` comes only in incremental streams.
  func zero(_ range: Range<UInt64>, _ kind: Extent.Kind) throws(PluginError)

  /// The open stream ends.
  ///
  /// - Parameters:
  ///   - length: Its bytes; the size of the description if that has one.
  ///   - digest: The host's, for the archive to keep.
  func close(length: UInt64, digest: Digest) throws(PluginError)

  /// All streams are closed: complete the archive and bring it to stable storage (`fsync`).
  ///
  /// - Returns: What is there now: in a directory every file at its top, else
  ///   `Finished(archiveBytes:)`. The host holds it against what it finds, and publishes after the
  ///   process has ended well.
  func finish() throws(PluginError) -> Finished

  /// There will be no archive: remove what was written, as well as it goes. Comes once, whenever
  /// `init` has succeeded and the host has not taken the archive: also after `finish`, whose
  /// archive the host may still refuse. The process ends afterwards.
  func abort()
}

extension ArchiveWriter {
  /// For writers that asked for no maps.
  public func map(_ stream: StreamDescription, _ extents: [Extent]) throws(PluginError) {}
  /// For writers that a stream's first bytes tell enough.
  public func open(_ stream: StreamDescription) throws(PluginError) {}
  /// For writers that leave it to the host, which removes what was written in any case.
  public func abort() {}
}
