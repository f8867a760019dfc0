/// CHECKPOINT: the producer asks how much is safe. protocol.md §12.
public struct CheckpointFrame: Equatable, Sendable {
  /// Number of the checkpoint.
  public var id: UInt64

  /// Makes one of its fields.
  public init(id: UInt64) { self.id = id }

  /// Reads the payload and checks every field.
  public init(parsing payload: RawSpan) throws(WireError) {
    guard payload.byteCount == 8 else { throw .length(.checkpoint, length: payload.byteCount) }
    id = payload.load(0, as: UInt64.self)
  }
}

/// CHECKPOINT_ACK: everything before the CHECKPOINT has been handled.
public struct CheckpointAckFrame: Equatable, Sendable {
  /// How safe it is: taken over, or on stable storage.
  public enum Durability: UInt32, Sendable { case accepted = 0, stableStorage }
  /// Number of the checkpoint.
  public var id: UInt64
  /// How safe everything before the CHECKPOINT is.
  public var durability: Durability
  /// What a later run of the plugin needs to go on from here; opaque to the host.
  public var token: [UInt8]

  /// Makes one of its fields.
  public init(id: UInt64, durability: Durability, token: [UInt8] = []) {
    self.id = id
    self.durability = durability
    self.token = token
  }

  /// Reads the payload and checks every field.
  public init(parsing payload: RawSpan) throws(WireError) {
    guard payload.byteCount >= 16 else {
      throw .length(.checkpointAck, length: payload.byteCount)
    }
    id = payload.load(0, as: UInt64.self)
    let code = payload.load(8, as: UInt32.self)
    guard let durability = Durability(rawValue: code) else {
      throw .field(.checkpointAck, field: "durability", value: UInt64(code))
    }
    self.durability = durability
    let count = payload.load(12, as: UInt32.self)
    guard count <= UInt32(Limits.tokenBytesMax) else {
      throw .field(.checkpointAck, field: "token_len", value: UInt64(count))
    }
    guard payload.byteCount == 16 + Int(count) else {
      throw .length(.checkpointAck, length: payload.byteCount)
    }
    token = payload.bytes(from: 16)
  }
}

extension FrameWriter {
  /// Appends CHECKPOINT and returns its number.
  @discardableResult
  public mutating func append(_ frame: CheckpointFrame) -> UInt32 {
    append(.checkpoint) { $0.appendLittleEndian(frame.id) }
  }

  /// Appends CHECKPOINT_ACK and returns its number.
  @discardableResult
  public mutating func append(_ frame: CheckpointAckFrame) -> UInt32 {
    append(.checkpointAck) { bytes in
      bytes.appendLittleEndian(frame.id)
      bytes.appendLittleEndian(frame.durability.rawValue)
      bytes.appendLittleEndian(UInt32(frame.token.count))
      bytes += frame.token
    }
  }
}
