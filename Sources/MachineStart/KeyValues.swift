internal import JSON

/// The value of an option of QEMU: `virtio-blk-pci,drive=d,id=x`, or the same as JSON.
///
/// Read as `util/keyval.c` and `util/qemu-option.c` of QEMU do, byte by byte: a comma in a value is
/// doubled, a name without a value is on.
package struct KeyValues: Equatable, Sendable {
  package struct Pair: Equatable, Sendable {
    package let name: String
    package var value: String
  }

  /// In the order in which they were written; members of members have names like `file.driver`.
  package private(set) var pairs: [Pair] = []

  package init() {}

  /// - Parameters:
  ///   - text: Of any origin; whatever it is, it has some reading.
  ///   - implied: The name of a first value that has none, such as `driver` of a device.
  package init(parsing text: String, implied: String? = nil) {
    if text.utf8.first == UInt8(ascii: "{"),
      let value = try? JSONValue(parsing: Array(text.utf8)), let object = value.object
    {
      add(object, below: "")
    } else {
      for (index, part) in Self.parts(text).enumerated() {
        add(part, implied: index == 0 ? implied : nil)
      }
    }
  }

  /// The last value of that name; assigning takes the place of all of them.
  package subscript(name: String) -> String? {
    get { pairs.last { $0.name == name }?.value }
    set {
      let place = pairs.firstIndex { $0.name == name }
      pairs.removeAll { $0.name == name }
      if let newValue { pairs.insert(Pair(name: name, value: newValue), at: place ?? pairs.count) }
    }
  }

  /// Without those whose names are not wanted.
  package func keeping(_ isWanted: (String) -> Bool) -> KeyValues {
    var kept = self
    kept.pairs.removeAll { !isWanted($0.name) }
    return kept
  }

  /// As QEMU reads it.
  ///
  /// - Parameter implied: The name that need not be written where it is the first one.
  package func text(implied: String? = nil) -> String {
    pairs.enumerated().map { index, pair in
      let value = Self.doubled(pair.value)
      return index == 0 && pair.name == implied ? value : "\(pair.name)=\(value)"
    }.joined(separator: ",")
  }

  /// A value with its commas doubled.
  package static func doubled(_ value: String) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in value.unicodeScalars {
      scalars.append(scalar)
      if scalar == "," { scalars.append(scalar) }
    }
    return String(scalars)
  }

  /// Cut at single commas; doubled ones are commas of the parts.
  private static func parts(_ text: String) -> [String] {
    var parts: [String] = []
    var part = String.UnicodeScalarView()
    var scalars = text.unicodeScalars[...]
    while let scalar = scalars.popFirst() {
      if scalar != "," {
        part.append(scalar)
      } else if scalars.first == "," {
        part.append(scalar)
        scalars.removeFirst()
      } else {
        parts.append(String(part))
        part = String.UnicodeScalarView()
      }
    }
    parts.append(String(part))
    return parts
  }

  private mutating func add(_ part: String, implied: String?) {
    let scalars = part.unicodeScalars
    guard let equals = scalars.firstIndex(of: "=") else {
      guard !part.isEmpty else { return }
      pairs.append(implied.map { Pair(name: $0, value: part) } ?? Pair(name: part, value: "on"))
      return
    }
    pairs.append(
      Pair(
        name: String(scalars[..<equals]), value: String(scalars[scalars.index(after: equals)...])))
  }

  private mutating func add(_ object: JSONObject, below prefix: String) {
    for member in object.members { add(member.value, named: prefix + member.name) }
  }

  private mutating func add(_ value: JSONValue, named name: String) {
    switch value {
    case .string(let text): pairs.append(Pair(name: name, value: text))
    case .integer(let number): pairs.append(Pair(name: name, value: String(number)))
    case .bool(let isOn): pairs.append(Pair(name: name, value: isOn ? "on" : "off"))
    case .object(let object): add(object, below: name + ".")
    case .array(let elements):
      for (index, element) in elements.enumerated() { add(element, named: "\(name).\(index)") }
    case .real, .null: break
    }
  }
}
