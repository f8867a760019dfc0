/// A prefix that a document declares at its root.
package struct XMLPrefix: Equatable, Sendable {
  /// Empty for the default namespace, which attributes cannot use.
  package let prefix: String
  package let namespace: String

  package init(_ prefix: String, _ namespace: String) {
    self.prefix = prefix
    self.namespace = namespace
  }
}

extension XMLElement {
  /// The element as the root of a document in UTF-8.
  ///
  /// Elements that hold nothing but elements are laid out on lines of their own; no white space is
  /// added beside text.
  ///
  /// - Parameter prefixes: For every namespace that occurs, with `xmlns` at the root. One may stand
  ///   twice: with an empty prefix for elements, and with another for attributes.
  /// - Throws: `.character` for text that XML cannot hold, `.prefixMissing`.
  package func serialised(prefixes: [XMLPrefix] = []) throws(XMLError) -> [UInt8] {
    var writer = XMLTextWriter(prefixes: prefixes)
    writer.put("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
    try writer.write(self, depth: 0)
    writer.put("\n")
    return writer.bytes
  }
}

private struct XMLTextWriter {
  let prefixes: [XMLPrefix]
  var bytes: [UInt8] = []

  init(prefixes: [XMLPrefix]) { self.prefixes = prefixes }

  mutating func put(_ markup: String) { bytes += markup.utf8 }

  mutating func write(_ element: XMLElement, depth: Int) throws(XMLError) {
    let name = try qualified(element.name, isAttribute: false)
    put("<\(name)")
    if depth == 0 { try declarePrefixes() }
    for attribute in element.attributes {
      put(" \(try qualified(attribute.name, isAttribute: true))=\"")
      try putText(attribute.value, isAttribute: true)
      put("\"")
    }
    guard !element.children.isEmpty else { return put("/>") }
    put(">")
    let isLaidOut = element.children.count == element.elements.count
    for child in element.children {
      switch child {
      case .text(let text): try putText(text, isAttribute: false)
      case .element(let element):
        if isLaidOut { putLine(depth + 1) }
        try write(element, depth: depth + 1)
      }
    }
    if isLaidOut { putLine(depth) }
    put("</\(name)>")
  }

  private mutating func declarePrefixes() throws(XMLError) {
    for prefix in prefixes {
      put(prefix.prefix.isEmpty ? " xmlns=\"" : " xmlns:\(prefix.prefix)=\"")
      try putText(prefix.namespace, isAttribute: true)
      put("\"")
    }
  }

  private mutating func putLine(_ depth: Int) {
    bytes.append(UInt8(ascii: "\n"))
    bytes += [UInt8](repeating: UInt8(ascii: " "), count: depth * 2)
  }

  private func qualified(_ name: XMLName, isAttribute: Bool) throws(XMLError) -> String {
    if name.namespace.isEmpty { return name.local }
    if name.namespace == "http://www.w3.org/XML/1998/namespace" { return "xml:\(name.local)" }
    guard
      let prefix = prefixes.first(where: {
        $0.namespace == name.namespace && !(isAttribute && $0.prefix.isEmpty)
      })
    else { throw .prefixMissing(namespace: name.namespace) }
    return prefix.prefix.isEmpty ? name.local : "\(prefix.prefix):\(name.local)"
  }

  /// Text such that every reader gives back the same: readers would make one line break of CR LF,
  /// and a space of a line break in an attribute.
  private mutating func putText(_ text: String, isAttribute: Bool) throws(XMLError) {
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": put("&amp;")
      case "<": put("&lt;")
      case ">": put("&gt;")
      case "\"" where isAttribute: put("&quot;")
      case "\t" where isAttribute: put("&#9;")
      case "\n" where isAttribute: put("&#10;")
      case "\r": put("&#13;")
      default:
        guard Self.isCharacter(scalar) else { throw .character(scalar.value) }
        bytes += UTF8.encode(scalar)!
      }
    }
  }

  /// XML 1.0, production 2.
  private static func isCharacter(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0A, 0x0D, 0x20...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: true
    default: false
    }
  }
}
