/// Messages of the vhost-user protocol that a front-end for one disk needs.
///
/// Specified in QEMU's `docs/interop/vhost-user.rst`; numbers are the protocol's.
enum VhostUserRequest: UInt32 {
  case getFeatures = 1
  case setFeatures = 2
  case setOwner = 3
  case setMemoryTable = 5
  case setRingSize = 8
  case setRingAddresses = 9
  case setRingBase = 10
  case setRingKick = 12
  case setRingCall = 13
  case getProtocolFeatures = 15
  case setProtocolFeatures = 16
  case setRingEnable = 18
  case getConfig = 24
}

/// Feature bits of virtio, of its block device, and of vhost-user itself.
enum VhostUserFeature {
  /// The device is read-only (VIRTIO_BLK_F_RO).
  static let readOnly: UInt64 = 1 << 5
  /// The device can be flushed (VIRTIO_BLK_F_FLUSH).
  static let flush: UInt64 = 1 << 9
  /// Protocol features can be negotiated (VHOST_USER_F_PROTOCOL_FEATURES).
  static let protocolFeatures: UInt64 = 1 << 30
  /// Little-endian, modern layout (VIRTIO_F_VERSION_1).
  static let version1: UInt64 = 1 << 32

  /// Protocol feature: a request may ask for an acknowledgement.
  static let replyAcknowledge: UInt64 = 1 << 3
  /// Protocol feature: the device's configuration space can be read.
  static let config: UInt64 = 1 << 9
}

/// ```
/// 0         4         8         12
/// ┌─────────┬─────────┬─────────┬───────────┐
/// │ request │ flags   │ size    │ payload … │   native endian: little, on every machine of ours
/// └─────────┴─────────┴─────────┴───────────┘
/// ```
struct VhostUserHeader: Equatable {
  static let byteCount = 12
  /// Replies here carry a number or a few bytes of configuration; more is refused.
  static let payloadBytesMax = 512
  private static let version: UInt32 = 1
  private static let versionMask: UInt32 = 3
  private static let replyFlag: UInt32 = 1 << 2
  private static let needReplyFlag: UInt32 = 1 << 3

  let request: UInt32
  let flags: UInt32
  let payloadBytes: UInt32

  /// The header of a message from us.
  init(_ request: VhostUserRequest, payloadBytes: Int, needsReply: Bool) {
    self.request = request.rawValue
    flags = Self.version | (needsReply ? Self.needReplyFlag : 0)
    self.payloadBytes = UInt32(payloadBytes)
  }

  /// The header of an answer to `request`.
  init(parsing bytes: [UInt8], answering request: VhostUserRequest) throws(SourceError) {
    guard bytes.count == Self.byteCount else { throw .protocolBroken(what: "truncated header") }
    self.request = bytes.loadInteger(at: 0)
    flags = bytes.loadInteger(at: 4)
    payloadBytes = bytes.loadInteger(at: 8)
    guard self.request == request.rawValue else {
      throw .protocolBroken(what: "answer \(self.request) to request \(request.rawValue)")
    }
    guard flags & Self.versionMask == Self.version, flags & Self.replyFlag != 0 else {
      throw .protocolBroken(what: "flags \(flags) in an answer")
    }
    guard payloadBytes <= Self.payloadBytesMax else {
      throw .protocolBroken(what: "answer of \(payloadBytes) bytes")
    }
  }

  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    for field in [request, flags, payloadBytes] { bytes.appendInteger(field) }
    return bytes
  }
}

extension [UInt8] {
  mutating func appendInteger<Value: FixedWidthInteger>(_ value: Value) {
    for index in 0..<(Value.bitWidth / 8) {
      append(UInt8(truncatingIfNeeded: value >> (8 * index)))
    }
  }

  /// Little-endian; the caller has checked that it is there.
  func loadInteger<Value: FixedWidthInteger>(at offset: Int) -> Value {
    (0..<(Value.bitWidth / 8)).reversed().reduce(0) { $0 << 8 | Value(self[offset + $1]) }
  }
}
