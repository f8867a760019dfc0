/// A descriptor made of an input: XML that is well-formed and of words that mean something, which
/// no fuzzer guesses.
///
/// The first byte says the form, and the namespace of the root. With ``Form/raw`` the rest is the
/// descriptor; else it is steps: a byte of what to do, then what with (see ``Step``).
package struct Descriptor {
  private struct Form: OptionSet {
    let rawValue: UInt8
    static let raw = Form(rawValue: 0x80)
    /// Names without a prefix are those of OVF, and not in no namespace.
    static let isDefault = Form(rawValue: 0x40)
    /// Elements that are open stay so.
    static let open = Form(rawValue: 0x20)
  }

  private enum Step: UInt8 {
    /// A name: an element begins.
    case start
    /// A name, a value: an attribute, if nothing came behind the element's start.
    case attribute
    /// A value.
    case text
    case end
    /// A name, a value: an element with text.
    case element
    /// A value that stands as it is.
    case markup
  }

  package private(set) var bytes: [UInt8] = []
  private var input: ArraySlice<UInt8>
  private var open: [[UInt8]] = []
  private var isInTag = false
  /// Expat refuses an element with one attribute twice.
  private var attributes: Set<[UInt8]> = []

  package init(_ buffer: UnsafeBufferPointer<UInt8>) {
    input = Array(buffer)[...]
    let first = input.popFirst() ?? 0
    let form = Form(rawValue: first)
    if form.contains(.raw) {
      bytes = Array(input)
      return
    }
    begin(Words.namespaces[Int(first & 15) % 3], isDefault: form.contains(.isDefault))
    while let byte = input.popFirst() { take(Step(rawValue: byte % 6)!) }
    if !form.contains(.open) { while !open.isEmpty { end() } }
  }

  private mutating func begin(_ namespace: String, isDefault: Bool) {
    var text = isDefault ? "<Envelope xmlns=\"\(namespace)\"" : "<ovf:Envelope"
    text += " xmlns:ovf=\"\(namespace)\""
    for (prefix, namespace) in Words.prefixes { text += " xmlns:\(prefix)=\"\(namespace)\"" }
    bytes += text.utf8
    open = [Array((isDefault ? "Envelope" : "ovf:Envelope").utf8)]
    isInTag = true
  }

  private mutating func take(_ step: Step) {
    switch step {
    case .start: start(name())
    case .attribute:
      let (name, value) = (name(), value())
      guard isInTag, attributes.insert(name).inserted else { return }
      bytes += [0x20] + name + Array("=\"".utf8) + Self.escaped(value) + Array("\"".utf8)
    case .text: text(value())
    case .end: end()
    case .element:
      start(name())
      text(value())
      end()
    case .markup:
      closeTag()
      bytes += value()
    }
  }

  private mutating func closeTag() {
    if isInTag { bytes.append(UInt8(ascii: ">")) }
    isInTag = false
  }

  private mutating func start(_ name: [UInt8]) {
    closeTag()
    bytes += [UInt8(ascii: "<")] + name
    open.append(name)
    attributes = []
    isInTag = true
  }

  private mutating func text(_ text: [UInt8]) {
    closeTag()
    bytes += Self.escaped(text)
  }

  private mutating func end() {
    guard let name = open.popLast() else { return }
    closeTag()
    bytes += Array("</".utf8) + name + [UInt8(ascii: ">")]
  }

  private mutating func name() -> [UInt8] {
    Array(Words.names[Int(input.popFirst() ?? 0) % Words.names.count].utf8)
  }

  /// One of ours, or up to 127 bytes that follow.
  private mutating func value() -> [UInt8] {
    let byte = Int(input.popFirst() ?? 0)
    if byte >= 128 { return Array(Words.values[(byte - 128) % Words.values.count].utf8) }
    let value = Array(input.prefix(byte))
    input = input.dropFirst(byte)
    return value
  }

  private static func escaped(_ value: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    for byte in value {
      switch byte {
      case UInt8(ascii: "&"): text += Array("&amp;".utf8)
      case UInt8(ascii: "<"): text += Array("&lt;".utf8)
      case UInt8(ascii: "\""): text += Array("&quot;".utf8)
      case 0x0D: text += Array("&#13;".utf8)
      case 0..<0x09, 0x0B..<0x20: text.append(0x20)
      default: text.append(byte)
      }
    }
    return text
  }
}
