internal import System

/// The name of one job inside QEMU: everything a job puts there begins with its mark.
///
/// `sluice-0badcafe-o0` is the overlay of the first disk of job 0badcafe. A node's name may have 31
/// bytes (QEMU `block.c`), which the longest of ours stays below.
package struct JobMark: Hashable, Sendable {
  /// Eight hexadecimal digits, lower case.
  package let id: String

  /// - Parameter id: Eight hexadecimal digits, lower case; `nil` for anything else.
  package init?(id: some StringProtocol) {
    guard id.utf8.count == 8, id.utf8.allSatisfy(Self.isDigit) else { return nil }
    self.id = String(id)
  }

  /// The mark that a longer identifier of a job ends with.
  package init?(endOf identifier: String) { self.init(id: identifier.suffix(8)) }

  /// The mark that a name in QEMU begins with, if it is one of ours.
  package init?(markOf name: String) {
    guard name.hasPrefix(Self.word) else { return nil }
    let rest = name.dropFirst(Self.word.count)
    guard rest.dropFirst(8).hasPrefix("-") else { return nil }
    self.init(id: rest.prefix(8))
  }

  private static let word = "sluice-"

  static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }

  /// What all names of the job begin with.
  package var prefix: String { "\(Self.word)\(id)-" }

  /// The part of a name after the mark, such as `o0`.
  func kind(of name: String) -> Substring { name.dropFirst(prefix.count) }

  // By number of the disk, from 0.

  /// The descriptor set of the fleecing image: QEMU keeps it as `opaque`.
  package func descriptorSet(_ disk: Int) -> String { "\(prefix)fd\(disk)" }
  /// The node of the fleecing image's file.
  package func file(_ disk: Int) -> String { "\(prefix)f\(disk)" }
  /// The node that shows the disk as it was: what is exported.
  package func overlay(_ disk: Int) -> String { "\(prefix)o\(disk)" }
  /// The job of the point in time.
  package func job(_ disk: Int) -> String { "\(prefix)j\(disk)" }
  /// The node that this job puts over the disk's own.
  package func filter(_ disk: Int) -> String { "\(prefix)t\(disk)" }
  package func vhostUserExport(_ disk: Int) -> String { "\(prefix)v\(disk)" }
  package func nbdExport(_ disk: Int) -> String { "\(prefix)n\(disk)" }
  /// The passed listener of a vhost-user export.
  func vhostUserListener(_ disk: Int) -> String { "\(prefix)lv\(disk)" }
  /// The file that QEMU migrates into.
  var vmStateDescriptor: String { "\(prefix)m" }
  var nbdListener: String { "\(prefix)ln" }
}
