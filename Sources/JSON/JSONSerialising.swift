internal import CJansson
internal import Glibc

/// How a value is laid out as text.
public enum JSONLayout: Sendable {
  /// One line without spaces, for the wire and for event streams.
  case compact
  /// Two spaces a level and a final line break, for files people read.
  case indented
}

extension JSONValue {
  /// The value as UTF-8 text. Reals that JSON cannot carry (NaN, infinity) become `null`.
  public func serialised(_ layout: JSONLayout = .compact) -> [UInt8] {
    let value = unsafe makeValue()
    // Safe because: makeValue gives us the only reference, and it is given back here.
    defer { unsafe sluice_json_decref(value) }
    let flags =
      switch layout {
      case .compact: Int(JSON_COMPACT) | Int(JSON_ENCODE_ANY)
      case .indented: 2 | Int(JSON_ENCODE_ANY)
      }
    guard let text = unsafe json_dumps(value, flags) else { return Array("null".utf8) }
    defer { unsafe free(text) }
    var bytes = unsafe Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
    if case .indented = layout { bytes.append(UInt8(ascii: "\n")) }
    return bytes
  }

  /// The value as text on one line.
  public var text: String { String(decoding: serialised(), as: UTF8.self) }

  private func makeValue() -> UnsafeMutablePointer<json_t> {
    let made: UnsafeMutablePointer<json_t>? =
      switch self {
      case .null: unsafe json_null()
      case .bool(let bool): unsafe bool ? json_true() : json_false()
      case .integer(let integer): unsafe json_integer(json_int_t(integer))
      case .real(let real): unsafe json_real(real)
      case .string(let string): unsafe JSONValue.makeString(string)
      case .array(let elements): unsafe JSONValue.makeArray(elements)
      case .object(let object): unsafe JSONValue.makeObject(object)
      }
    return unsafe made ?? json_null()
  }

  private static func makeString(_ string: String) -> UnsafeMutablePointer<json_t>? {
    var copy = string
    return copy.withUTF8 { text in
      guard let base = text.baseAddress else { return unsafe json_string("") }
      return unsafe json_stringn(
        UnsafeRawPointer(base).assumingMemoryBound(to: CChar.self), text.count)
    }
  }

  private static func makeArray(_ elements: [JSONValue]) -> UnsafeMutablePointer<json_t>? {
    let array = unsafe json_array()
    for element in elements { unsafe _ = json_array_append_new(array, element.makeValue()) }
    return unsafe array
  }

  private static func makeObject(_ object: JSONObject) -> UnsafeMutablePointer<json_t>? {
    let made = unsafe json_object()
    for member in object.members {
      unsafe _ = json_object_set_new(made, member.name, member.value.makeValue())
    }
    return unsafe made
  }
}
