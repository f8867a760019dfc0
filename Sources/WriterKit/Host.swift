internal import BackupProtocol
internal import System

/// The host as a plugin sees it: who it is, what it lent, and how to tell it something.
public final class Host {
  /// The programs that make the archive, each with its version: the host, then this plugin.
  public let programs: [String]
  /// What the user chose for the format.
  public let options: JobOptions
  /// Slots of the pool, 4…256; in inline mode, as many pieces may be unreleased.
  public let slotCount: Int
  /// Bytes of a slot, a power of two from 64 KiB to 16 MiB.
  public let slotBytes: Int
  /// DATA frames a writer may keep while it waits for more: half of what may be under way. A job
  /// whose writer keeps more fails: it would stand still for want of a slot.
  /// Specified in protocol.md §8.2.
  public let leasesMax: Int
  /// Whether data comes through shared memory.
  public let usesSharedMemory: Bool
  /// In read and verify mode: an empty file without a name, for what does not fit into memory; if
  /// the manifest's `needs` name `scratch` and the host has one.
  public let scratch: Int32?
  private let channel: Channel

  init(
    _ hello: Hello, _ plugin: Plugin, options: JobOptions, usesSharedMemory: Bool,
    scratch: Int32?, channel: Channel
  ) {
    self.options = options
    programs = [
      "\(hello.hostName) \(hello.hostVersion)", "\(plugin.name) writer \(plugin.version)",
    ]
    slotCount = Int(hello.slotCount)
    slotBytes = Int(hello.slotBytes)
    leasesMax = Int(min(hello.slotCount, hello.inflightMax)) / 2
    self.usesSharedMemory = usesSharedMemory
    self.scratch = scratch
    self.channel = channel
  }

  /// Says a line to the people who run the host; sent with the next frames.
  public func log(_ level: LogFrame.Level, _ text: String) {
    channel.append { $0.append(LogFrame(level: level, text: text)) }
  }

  /// Says how far the work is; sent with the next frames.
  ///
  /// - Parameters:
  ///   - stored: Bytes the archive has by now.
  ///   - logical: Bytes of the streams that are in it.
  public func progress(stored: UInt64, logical: UInt64) {
    channel.append {
      $0.append(ProgressFrame(storedBytes: stored, logicalBytes: logical))
    }
  }

  /// Says at once that what comes next takes long: the host waits for it.
  ///
  /// - Parameters:
  ///   - milliseconds: How long, 1 hour at most.
  ///   - reason: For people, as in "compressing the last block".
  public func busy(milliseconds: UInt32, _ reason: String) {
    let most = min(milliseconds, Limits.busyMillisecondsMax)
    channel.append { $0.append(BusyFrame(expectedMilliseconds: most, reason: reason)) }
    // A host that is gone shows at the next read.
    try? channel.flush()
  }
}
