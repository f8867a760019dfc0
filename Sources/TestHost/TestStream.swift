public import BackupProtocol
internal import ScriptedHost

/// A stream and all of its bytes.
public struct TestStream: Equatable, Sendable {
  /// What it is.
  public var kind: StreamDescription.Kind
  /// Its name in the archive.
  public var name: String
  /// Its bytes: clusters of 64 KiB that are all zeros are sent as holes.
  public var bytes: [UInt8]

  /// Makes a value of its parts.
  public init(kind: StreamDescription.Kind, name: String, bytes: [UInt8]) {
    self.kind = kind
    self.name = name
    self.bytes = bytes
  }

  /// A disk.
  public static func disk(_ name: String, _ bytes: [UInt8]) -> TestStream {
    TestStream(kind: .disk, name: name, bytes: bytes)
  }

  /// A file that describes the machine.
  public static func config(_ name: String, _ bytes: [UInt8]) -> TestStream {
    TestStream(kind: .config, name: name, bytes: bytes)
  }

  func content(id: UInt32) -> Content {
    kind == .disk ? .disk(id, name, bytes) : .config(id, name, bytes)
  }
}

/// What an archive gave.
public struct TestArchive: Equatable, Sendable {
  /// In the plugin's order.
  public var streams: [TestStream]
  /// Of what machine the backup is, as far as the plugin tells.
  public var machine: Job.Machine
  /// Its point in time, if the plugin tells.
  public var instant: Timestamp?
  /// Whether the plugin says that it has held every byte against a digest.
  public var isProven: Bool
}

/// Why a conversation with a plugin came to nothing.
public enum TestHostError: Error, Equatable, CustomStringConvertible {
  /// The plugin said so, in an ERROR frame.
  case refused(ErrorCode, String)
  /// The plugin did not keep to protocol.md, or something is not as it must be.
  case broken(String)

  /// For people.
  public var description: String {
    switch self {
    case .refused(let code, let message): "the plugin refused (\(code.name)): \(message)"
    case .broken(let what): what
    }
  }
}
