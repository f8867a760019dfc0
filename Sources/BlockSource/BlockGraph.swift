internal import Requests

/// The options of qemu-storage-daemon that open an image: every node of the tree by our name.
///
/// Nothing is left for QEMU to find inside the image: `backing` and `data-file` are given at every
/// level, and no format is probed. (Extents of a vmdk image are the exception: QEMU opens them by
/// the names in its descriptor, which were read here before, and Landlock bars all others.)
struct BlockGraph {
  let arguments: [String]
  /// Node to export.
  let topNode: String

  /// - Parameter prefix: Makes the names of this image's nodes unique in the daemon.
  init(_ chain: [ChainLink], prefix: String) {
    var options: [String] = []
    var below: String?
    for (level, link) in chain.enumerated().reversed() {
      let name = "\(prefix)l\(level)"
      options += Self.nodes(of: link, name: name, backing: below)
      below = name
    }
    arguments = options.flatMap { ["--blockdev", $0] }
    topNode = "\(prefix)l0"
  }

  private static func nodes(of link: ChainLink, name: String, backing: String?) -> [String] {
    var nodes = [protocolNode("\(name)f", link.file)]
    var format = [
      ("driver", quoted(link.format.rawValue)), ("node-name", quoted(name)),
      ("read-only", "true"), ("file", quoted("\(name)f")),
    ]
    if let dataFile = link.dataFile {
      nodes.append(protocolNode("\(name)d", dataFile))
      format.append(("data-file", quoted("\(name)d")))
    }
    if link.format.mayHaveBacking {
      format.append(("backing", backing.map { quoted($0) } ?? "null"))
    }
    return nodes + [object(format)]
  }

  private static func protocolNode(_ name: String, _ file: ImageFile) -> String {
    object([
      ("driver", quoted(file.isDevice ? "host_device" : "file")), ("node-name", quoted(name)),
      ("read-only", "true"), ("filename", quoted(file.path)),
    ])
  }

  private static func object(_ members: [(String, String)]) -> String {
    "{" + members.map { quoted($0.0) + ":" + $0.1 }.joined(separator: ",") + "}"
  }

  /// A JSON string (RFC 8259, section 7).
  static func quoted(_ text: String) -> String {
    let escaped = text.unicodeScalars.map { scalar in
      switch scalar {
      case "\"", "\\": "\\\(scalar)"
      case "\0"..<" ", "\u{7F}": hexEscape(scalar)
      default: String(scalar)
      }
    }
    return "\"" + escaped.joined() + "\""
  }

  private static func hexEscape(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16)
    return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
  }
}

extension ImageFormat {
  /// Whether QEMU's driver takes the option `backing`.
  var mayHaveBacking: Bool { self == .qcow2 || self == .vmdk || self == .qed }
}
