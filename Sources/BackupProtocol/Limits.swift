/// Upper bounds of the protocol. A peer that exceeds one is refused, not served slowly.
/// Specified in protocol.md §16.
public enum Limits {
  /// Bytes both sides send before their first frame.
  public static let preamble: [UInt8] = [0x89, 0x53, 0x4C, 0x55, 0x0D, 0x0A, 0x1A, 0x0A]
  /// Payload bytes of the largest frame: 1 MiB inline and room for its struct and masks.
  public static let frameBytesMax: UInt32 = (1 << 20) + (64 << 10)
  /// Bytes of an inline DATA: what is left of a frame after 4 KiB for struct and masks.
  public static let inlineBytesMax: UInt32 = frameBytesMax - 4096
  /// Payload bytes of a control frame: a job of 1024 streams needs a quarter of that.
  public static let controlBytesMax: UInt32 = 256 << 10
  /// Nesting of JSON in a control frame.
  public static let jsonDepthMax = 16
  /// Bytes of a slot.
  public static let slotBytes: ClosedRange<UInt32> = (64 << 10)...(16 << 20)
  /// Slots of a pool.
  public static let slotCount: ClosedRange<UInt32> = 4...256
  /// Inline bytes on their way; the least is four clusters, so that half of it takes one frame.
  public static let windowBytes: ClosedRange<UInt64> = (256 << 10)...(4 << 30)
  /// ``windowBytes`` of a host that says nothing.
  public static let windowBytesDefault: UInt64 = 16 << 20
  /// DATA frames on their way.
  public static let inflight: ClosedRange<UInt32> = 8...1024
  /// ``inflight`` of a host that says nothing.
  public static let inflightDefault: UInt32 = 64
  /// Largest stream id; also the number of streams of a job.
  public static let streamsMax: UInt32 = 1024
  /// Bytes of a stream: the largest integer that every JSON reader keeps exactly.
  public static let streamBytesMax: UInt64 = (1 << 53) - 1
  /// Artefacts in one FINISHED.
  public static let artefactsMax = 4096
  /// Sequence numbers in one RELEASE.
  public static let releasesMax = 1024
  /// Extents in one EXTENTS.
  public static let extentsMax = 4096
  /// UTF-8 bytes of a name.
  public static let nameBytesMax = 255
  /// UTF-8 bytes of a LOG text, a BUSY reason.
  public static let logBytesMax = 8 << 10
  /// LOG frames that a host shows in a second.
  public static let logLinesPerSecond = 1000
  /// Bytes of a CHECKPOINT_ACK token.
  public static let tokenBytesMax = 4 << 10
  /// Milliseconds a BUSY may ask for.
  public static let busyMillisecondsMax: UInt32 = 3_600_000
}
