/// What an element or an attribute is called: a namespace, which may be empty, and a local name.
package struct XMLName: Hashable, Sendable {
  package var namespace: String
  package var local: String

  package init(_ local: String, in namespace: String = "") {
    self.namespace = namespace
    self.local = local
  }
}

/// `name="value"` in a start tag.
package struct XMLAttribute: Equatable, Sendable {
  package var name: XMLName
  package var value: String

  package init(_ name: XMLName, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// What an element holds. Comments and processing instructions are not kept.
package enum XMLNode: Equatable, Sendable {
  case element(XMLElement)
  case text(String)
}

/// An element with all that is in it.
package struct XMLElement: Equatable, Sendable {
  package var name: XMLName
  package var attributes: [XMLAttribute]
  package var children: [XMLNode]

  package init(_ name: XMLName, _ attributes: [XMLAttribute] = [], _ children: [XMLNode] = []) {
    self.name = name
    self.attributes = attributes
    self.children = children
  }

  /// The elements directly below, in order.
  package var elements: [XMLElement] {
    children.compactMap { node in
      if case .element(let element) = node { element } else { nil }
    }
  }

  /// Text directly below, without that of inner elements, as it stands.
  package var text: String {
    children.reduce(into: "") { text, node in
      if case .text(let part) = node { text += part }
    }
  }

  /// The elements directly below that are called so.
  package func all(_ local: String, in namespace: String? = nil) -> [XMLElement] {
    elements.filter { $0.isNamed(local, in: namespace ?? name.namespace) }
  }

  /// The first element directly below that is called so.
  ///
  /// - Parameter namespace: That of this element if nothing is said.
  package func first(_ local: String, in namespace: String? = nil) -> XMLElement? {
    let namespace = namespace ?? name.namespace
    for case .element(let element) in children where element.isNamed(local, in: namespace) {
      return element
    }
    return nil
  }

  /// The value of an attribute.
  package func attribute(_ local: String, in namespace: String = "") -> String? {
    attributes.first { $0.name.local == local && $0.name.namespace == namespace }?.value
  }

  package func isNamed(_ local: String, in namespace: String) -> Bool {
    name.local == local && name.namespace == namespace
  }
}
