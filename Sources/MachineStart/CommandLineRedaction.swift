/// Takes what is secret out of a command line before it is archived, and says what that was.
package struct CommandLineRedaction: Sendable {
  /// A value that is a secret.
  private struct Row {
    /// Options that may have it; empty for all.
    let options: Set<String>
    /// The value of `driver`, `qom-type` or `type` that it belongs to; empty for all.
    let kind: String
    /// Its name, or the last part of it behind a dot.
    let name: String
    let because: String
  }

  private static let blocks: Set = ["drive", "blockdev", "iscsi"]

  private static let rows = [
    Row(options: ["object"], kind: "secret", name: "data", because: "a secret in plain words"),
    Row(options: [], kind: "", name: "password", because: "of a remote disk, of SPICE or VNC"),
    Row(options: [], kind: "", name: "proxy-password", because: "of the proxy of a remote disk"),
    Row(options: [], kind: "", name: "passphrase", because: "of a key"),
    Row(options: [], kind: "", name: "passwd", because: "of a remote disk"),
    Row(options: blocks, kind: "", name: "cookie", because: "stands for a login"),
    Row(options: blocks, kind: "", name: "key", because: "of a cluster of Ceph"),
    Row(options: ["device"], kind: "isa-applesmc", name: "osk", because: "a key"),
    Row(options: ["fw_cfg"], kind: "", name: "string", because: "keys are given to guests so"),
    Row(options: ["netdev"], kind: "", name: "rxcookie", because: "stands for a login"),
    Row(options: ["netdev"], kind: "", name: "txcookie", because: "stands for a login"),
  ]

  package private(set) var arguments: [String]
  /// `-object secret0: data`, one for each value.
  package private(set) var redacted: [String] = []

  /// - Parameter arguments: With the name of the program.
  package init(_ arguments: [String]) {
    self.arguments = Array(arguments.prefix(1))
    for option in LineOption.list(Array(arguments.dropFirst())) {
      guard let value = option.value else {
        self.arguments += option.words
        continue
      }
      self.arguments += LineOption(name: option.name, value: cleared(option.name, value)).words
    }
  }

  /// The value without what is secret in it; unchanged if nothing is.
  private mutating func cleared(_ option: String, _ value: String) -> String {
    guard let implied = Self.impliedNames[option] else { return plain(option, value) }
    var pairs = KeyValues(parsing: value, implied: implied)
    let known = pairs
    var found: [String] = []
    for pair in known.pairs {
      if Self.isSecret(pair, of: option, known) || hidesSecret(pair.value) {
        pairs[pair.name] = RecordedLine.redactedMark
        found.append(pair.name)
      } else if let url = Self.withoutLogin(pair.value) {
        pairs[pair.name] = url
        found.append("login in \(pair.name)")
      }
    }
    guard !found.isEmpty else { return value }
    let subject = known["id"] ?? known["node-name"] ?? known["name"] ?? ""
    redacted += found.map { "-\(option)\(subject.isEmpty ? "" : " \(subject)"): \($0)" }
    return pairs.text()
  }

  /// Whether a file name is itself a description of a disk (`json:{…}`) with a secret in it.
  private func hidesSecret(_ value: String) -> Bool {
    guard value.hasPrefix("json:") else { return false }
    let described = KeyValues(parsing: String(value.dropFirst(5)))
    return described.pairs.contains {
      Self.isSecret($0, of: "blockdev", described) || Self.withoutLogin($0.value) != nil
    }
  }

  /// A value that is no list: a path or URL.
  private mutating func plain(_ option: String, _ value: String) -> String {
    guard let url = Self.withoutLogin(value) else { return value }
    redacted.append("\(option.isEmpty ? "disk" : "-\(option)"): login")
    return url
  }

  /// What the first value of an option is called if it has no name.
  static let impliedNames = [
    "device": "driver", "object": "qom-type", "drive": "file", "blockdev": "driver",
    "netdev": "type", "chardev": "backend", "spice": "port", "vnc": "vnc", "fw_cfg": "name",
    "iscsi": "initiator-name", "smbios": "type", "machine": "type", "net": "type", "nic": "type",
  ]

  private static func isSecret(
    _ pair: KeyValues.Pair, of option: String, _ all: KeyValues
  ) -> Bool {
    // SPICE and VNC say by "on" that a password will be set.
    if pair.value == "on" || pair.value == "off" || pair.value.isEmpty { return false }
    if option == "smbios" {
      return pair.name == "value" && pair.value.hasPrefix("io.systemd.credential")
    }
    let last = pair.name.split(separator: ".").last.map(String.init) ?? pair.name
    let kind = all["qom-type"] ?? all["driver"] ?? ""
    return rows.contains { row in
      row.name == last && (row.options.isEmpty || row.options.contains(option))
        && (row.kind.isEmpty || row.kind == kind)
    }
  }

  /// `https://<redacted>@host/…` of an URL with a name and password, and of a cluster of Ceph its
  /// key; `nil` if there is none.
  package static func withoutLogin(_ text: String) -> String? {
    if text.hasPrefix("rbd:") { return withoutKey(text) }
    guard let scheme = text.range(of: "://"),
      scheme.lowerBound > text.startIndex
    else { return nil }
    let host = text[scheme.upperBound...].prefix { !"/?#,\" ".contains($0) }
    guard let at = host.lastIndex(of: "@"), host[..<at].contains(":") else { return nil }
    return String(text[..<scheme.upperBound]) + RecordedLine.redactedMark + String(text[at...])
  }

  /// `rbd:pool/image:id=admin:key=…`
  private static func withoutKey(_ text: String) -> String? {
    guard let key = text.range(of: ":key=") else { return nil }
    let rest = text[key.upperBound...].drop { $0 != ":" }
    return String(text[..<key.upperBound]) + RecordedLine.redactedMark + String(rest)
  }
}

extension String {
  /// The first place of a text, by bytes.
  fileprivate func range(of text: String) -> Range<String.Index>? {
    let (all, wanted) = (Array(utf8), Array(text.utf8))
    guard wanted.count <= all.count else { return nil }
    let starts = 0...(all.count - wanted.count)
    guard let start = starts.first(where: { all[$0..<($0 + wanted.count)].elementsEqual(wanted) })
    else { return nil }
    let lower = utf8.index(utf8.startIndex, offsetBy: start)
    return lower..<utf8.index(lower, offsetBy: wanted.count)
  }
}
