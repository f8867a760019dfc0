/// An invalid machine description.
public enum MachineError: Error, Equatable, Sendable {
  /// A member that is missing, of another type or out of range; where, such as `disks[2].slot`.
  case member(String, needs: String)
  /// Longer than ``MachineLimits/bytesMax`` when written.
  case tooLarge
}

extension MachineError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .member(let path, let needs): "\(path) must be \(needs)"
    case .tooLarge: "the description exceeds \(MachineLimits.bytesMax) bytes"
    }
  }
}

/// How much a description may hold. Specified in protocol.md §4.3.
public enum MachineLimits {
  /// Bytes of a description as compact JSON: it shares a frame with up to 1024 streams.
  public static let bytesMax = 64 << 10
  public static let controllersMax = 64
  public static let disksMax = 256
  public static let networkCardsMax = 64
  /// UTF-8 bytes of a text.
  public static let textBytesMax = 255
  public static let processors = 1...8192
  /// Bytes.
  public static let memory: ClosedRange<Int64> = (1 << 20)...((1 << 53) - 1)
  /// Of controllers and slots.
  public static let indices = 0...65535
}
