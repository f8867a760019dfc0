import Hashing
import Testing

@testable import OVFFormat

/// The manifest of an appliance of ours: no byte of it may change unseen, for nothing else proves
/// it.
@Suite struct ManifestTests {
  private static func manifest(_ files: [String]) -> [UInt8] {
    Array(
      files.map { file in
        var hash = NamedHash(.sha256)
        hash.update(Array(file.utf8))
        return OVFManifest.line(file, sha256: hash.finish())
      }.joined())
  }

  /// Whether a reader sees that the text is not the one that was written.
  private func shows(_ changed: [UInt8], against written: OVFManifest) -> Bool {
    guard let found = try? OVFManifest(parsing: changed) else { return true }
    return !found.isAsWritten || found.lines != written.lines
  }

  @Test func `what we write is as it was written`() throws {
    let text = Self.manifest(["web.ovf", "receipt.json"])
    let manifest = try OVFManifest(parsing: text)
    #expect(manifest.isAsWritten && manifest.lines.map(\.file) == ["web.ovf", "receipt.json"])
  }

  @Test(arguments: ["SHA256", "SHA-256", "sha256", "SHA2-256", "SHA2-256 "])
  func `a kind of digest has several names, one of which is ours`(word: String) throws {
    let text = String(decoding: Self.manifest(["web.ovf"]), as: UTF8.self)
    let manifest = try OVFManifest(parsing: Array(text.replacing("SHA256", with: word).utf8))
    #expect(manifest.lines.map(\.algorithm) == [.sha256])
    #expect(manifest.isAsWritten == (word == "SHA256"))
    #expect(
      try OVFManifest(parsing: Array("SHA2-384(a)= 00\nSHA2(b)= 00".utf8)).lines.map(\.algorithm)
        == [nil, nil])
  }

  @Test func `every byte of a line, whatever it becomes, shows`() throws {
    let text = Self.manifest(["web.ovf"])
    let written = try OVFManifest(parsing: text)
    for place in text.indices {
      for value in 0...UInt8.max where value != text[place] {
        var changed = text
        changed[place] = value
        #expect(shows(changed, against: written), "byte \(place) became \(value)")
      }
    }
  }

  @Test func `every flipped bit of a manifest of seven files shows`() throws {
    let text = Self.manifest(
      ["web.ovf", "receipt.json", "disk1.vmdk", "disk2.vmdk", "vm.conf", "nvram", "tpm"])
    let written = try OVFManifest(parsing: text)
    for place in text.indices {
      for bit in 0..<8 {
        var changed = text
        changed[place] ^= 1 << UInt8(bit)
        #expect(shows(changed, against: written), "bit \(bit) of byte \(place)")
      }
    }
  }

  @Test func `a byte more or less shows`() throws {
    let text = Self.manifest(["web.ovf", "receipt.json"])
    let written = try OVFManifest(parsing: text)
    for place in text.indices {
      var less = text
      less.remove(at: place)
      #expect(shows(less, against: written))
      for byte in [UInt8(ascii: " "), 0x09, 0x0A, 0x0D, 0] {
        var more = text
        more.insert(byte, at: place)
        #expect(shows(more, against: written), "\(byte) at \(place)")
      }
    }
  }
}
