public import JSON

/// Reads members of a control payload with errors that name frame and member.
public struct ControlMembers: Sendable {
  let type: FrameType
  let object: JSONObject

  init(_ type: FrameType, _ object: JSONObject) {
    self.type = type
    self.object = object
  }

  func string(_ name: String) throws(WireError) -> String {
    guard let value = object[name]?.string, value.utf8.count <= 4096 else {
      throw .member(type, name: name)
    }
    return value
  }

  func optionalString(_ name: String) throws(WireError) -> String? {
    isAbsent(name) ? nil : try string(name)
  }

  func integer(_ name: String, in range: ClosedRange<UInt64>) throws(WireError) -> UInt64 {
    guard let value = object[name]?.integer, value >= 0, range.contains(UInt64(value)) else {
      throw .member(type, name: name)
    }
    return UInt64(value)
  }

  func optionalInteger(
    _ name: String, in range: ClosedRange<UInt64>
  ) throws(WireError) -> UInt64? {
    isAbsent(name) ? nil : try integer(name, in: range)
  }

  func bool(_ name: String, default absent: Bool) throws(WireError) -> Bool {
    if isAbsent(name) { return absent }
    guard let value = object[name]?.bool else { throw .member(type, name: name) }
    return value
  }

  func strings(_ name: String) throws(WireError) -> [String] {
    if isAbsent(name) { return [] }
    guard let array = object[name]?.array, array.count <= 256 else {
      throw .member(type, name: name)
    }
    var strings: [String] = []
    for element in array {
      guard let string = element.string else { throw .member(type, name: name) }
      strings.append(string)
    }
    return strings
  }

  func members(_ name: String) throws(WireError) -> ControlMembers {
    guard let value = object[name]?.object else { throw .member(type, name: name) }
    return ControlMembers(type, value)
  }

  func optionalMembers(_ name: String) throws(WireError) -> ControlMembers? {
    isAbsent(name) ? nil : try members(name)
  }

  func list(_ name: String, atMost count: Int) throws(WireError) -> [ControlMembers] {
    guard let array = object[name]?.array, array.count <= count else {
      throw .member(type, name: name)
    }
    var list: [ControlMembers] = []
    for element in array {
      guard let value = element.object else { throw .member(type, name: name) }
      list.append(ControlMembers(type, value))
    }
    return list
  }

  private func isAbsent(_ name: String) -> Bool {
    object[name] == nil || object[name] == .null
  }
}

/// Control payloads: one JSON object in UTF-8. protocol.md §1.3.
public enum ControlFrame {
  /// Parses a payload and refuses what it requires and this version does not know.
  public static func members(
    _ type: FrameType, _ payload: [UInt8], knows: Set<String> = []
  ) throws(WireError) -> ControlMembers {
    guard payload.count <= Int(Limits.controlBytesMax) else {
      throw .oversized(type, length: UInt32(clamping: payload.count))
    }
    let value: JSONValue
    do { value = try JSONValue(parsing: payload, depthMax: Limits.jsonDepthMax) } catch {
      switch error {
      case .malformed(_, let reason): throw .json(type, reason: reason)
      case .tooDeep(let limit): throw .json(type, reason: "nested deeper than \(limit)")
      case .tooMany(let limit): throw .json(type, reason: "more than \(limit) values")
      }
    }
    guard let object = value.object else { throw .json(type, reason: "not an object") }
    let members = ControlMembers(type, object)
    for name in try members.strings("require") where !knows.contains(name) {
      throw .required(name)
    }
    return members
  }
}

extension FrameWriter {
  /// Appends a control frame.
  @discardableResult
  public mutating func append(_ type: FrameType, _ object: JSONObject) -> UInt32 {
    append(type) { $0 += JSONValue.object(object).serialised() }
  }
}

extension RawSpan {
  /// The whole span as an array.
  public var allBytes: [UInt8] { bytes(from: 0) }
}
