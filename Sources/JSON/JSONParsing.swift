internal import CJansson

/// Text that is not the JSON this project accepts.
public enum JSONError: Error, Equatable, Sendable {
  /// Not JSON, not UTF-8, a name twice in one object, or a number that does not fit.
  case malformed(line: Int, reason: String)
  /// Nested deeper than the limit.
  case tooDeep(limit: Int)
  /// More values than the limit, so that a parsed text takes no more memory than is foreseen.
  case tooMany(limit: Int)
}

extension JSONValue {
  /// Values of a text. What QEMU tells of its whole schema has 18,000; a receipt of 1024 streams
  /// 15,000. One value may take half a kilobyte while it is parsed.
  public static let valuesMax = 1 << 17

  /// Parses a whole text, which is an object or an array.
  ///
  /// - Parameters:
  ///   - bytes: UTF-8, as long as its holder allows.
  ///   - depthMax: Nesting that is accepted; 16 on the wire (protocol.md §16).
  /// - Throws: `JSONError`; duplicate names and U+0000 are malformed.
  public init(parsing bytes: [UInt8], depthMax: Int = 16) throws(JSONError) {
    self = try Self.parse(bytes, depthMax, flags: 0)
  }

  /// Parses as `init(parsing:depthMax:)`, except that integers which do not fit into 64 bits with
  /// a sign do no harm: QEMU writes sizes and addresses up to 2^64 - 1. Where there is one, every
  /// integer of the text goes through a double, and is exact up to 2^53.
  public init(parsingLeniently bytes: [UInt8], depthMax: Int = 16) throws(JSONError) {
    do throws(JSONError) {
      self = try Self.parse(bytes, depthMax, flags: 0)
    } catch {
      self = try Self.parse(bytes, depthMax, flags: Int(JSON_DECODE_INT_AS_REAL)).withIntegers
    }
  }

  /// The value with every real that is a whole number of at most 2^53 made an integer.
  private var withIntegers: JSONValue {
    switch self {
    case .real(let real) where real.magnitude <= 0x1p53 && real == real.rounded():
      return .integer(Int64(real))
    case .array(let elements): return .array(elements.map(\.withIntegers))
    case .object(let object):
      var made = JSONObject()
      for member in object.members { made.append(member.name, member.value.withIntegers) }
      return .object(made)
    default: return self
    }
  }

  private static func parse(
    _ bytes: [UInt8], _ depthMax: Int, flags: Int
  ) throws(JSONError) -> JSONValue {
    guard mayBeParsed(bytes) else { throw .tooMany(limit: valuesMax) }
    var failure = json_error_t()
    let root = unsafe bytes.withUnsafeBytes { buffer in
      unsafe json_loadb(
        buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count,
        Int(JSON_REJECT_DUPLICATES) | flags, &failure)
    }
    guard let root = unsafe root else {
      let reason = unsafe withUnsafeBytes(of: failure.text) { text in
        unsafe String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
      }
      throw .malformed(line: Int(failure.line), reason: reason)
    }
    // Safe because: json_loadb gave us the only reference, and it is given back here.
    defer { unsafe sluice_json_decref(root) }
    return try unsafe JSONValue(copying: root, depthLeft: depthMax, depthMax: depthMax)
  }

  /// Counts before anything is taken into memory: each value is the first one, or follows a comma
  /// or an opening bracket.
  private static func mayBeParsed(_ bytes: [UInt8]) -> Bool {
    var count = 1
    var isInString = false
    var isEscaped = false
    for byte in bytes {
      if isInString {
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          isInString = false
        }
      } else if byte == UInt8(ascii: "\"") {
        isInString = true
      } else if byte == UInt8(ascii: ",") || byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{")
      {
        count += 1
      }
    }
    return count <= valuesMax
  }

  private init(
    copying value: UnsafeMutablePointer<json_t>, depthLeft: Int, depthMax: Int
  ) throws(JSONError) {
    switch unsafe value.pointee.type {
    case JSON_TRUE: self = .bool(true)
    case JSON_FALSE: self = .bool(false)
    case JSON_INTEGER: self = unsafe .integer(Int64(json_integer_value(value)))
    case JSON_REAL: self = unsafe .real(json_real_value(value))
    case JSON_STRING: self = unsafe .string(String(cString: json_string_value(value)))
    case JSON_ARRAY, JSON_OBJECT:
      guard depthLeft > 0 else { throw .tooDeep(limit: depthMax) }
      if unsafe value.pointee.type == JSON_ARRAY {
        self = try unsafe .array(JSONValue.elements(of: value, depthLeft - 1, depthMax))
      } else {
        self = try unsafe .object(JSONValue.members(of: value, depthLeft - 1, depthMax))
      }
    default: self = .null
    }
  }

  private static func elements(
    of array: UnsafeMutablePointer<json_t>, _ depthLeft: Int, _ depthMax: Int
  ) throws(JSONError) -> [JSONValue] {
    var elements: [JSONValue] = []
    for index in 0..<(unsafe json_array_size(array)) {
      guard let element = unsafe json_array_get(array, index) else { continue }
      elements.append(
        try unsafe JSONValue(copying: element, depthLeft: depthLeft, depthMax: depthMax))
    }
    return elements
  }

  private static func members(
    of object: UnsafeMutablePointer<json_t>, _ depthLeft: Int, _ depthMax: Int
  ) throws(JSONError) -> JSONObject {
    var members = JSONObject()
    var iterator = unsafe json_object_iter(object)
    while let place = unsafe iterator {
      let name = unsafe String(cString: json_object_iter_key(place))
      if let value = unsafe json_object_iter_value(place) {
        members.append(
          name, try unsafe JSONValue(copying: value, depthLeft: depthLeft, depthMax: depthMax))
      }
      unsafe iterator = json_object_iter_next(object, place)
    }
    return members
  }
}
