import BackupProtocol
import Hashing
import Testing

@testable import Pump

/// Expected values were computed by Python's hashlib from the definition in protocol.md.
struct TreeDigestTests {
  private func leaf(_ bytes: [UInt8]) -> [UInt8] {
    var context = SHA256()
    bytes.withUnsafeBytes { context.update($0) }
    return context.finish()
  }

  @Test(
    arguments: [
      (
        0,
        "e3b0c44298fc1c149afbf4c8996fb924"
          + "27ae41e4649b934ca495991b7852b855"
      ),
      (
        1,
        "1406e05881e299367766d313e26c0556"
          + "4ec91bf721d31726bd6e46e60689539a"
      ),
      (
        1 << 20,
        "599d71033d700ac892a0e48fa61b125d"
          + "2f59941bb45da1909444d43c6ee0bab2"
      ),
      (
        (1 << 20) + 1,
        "28638dab8d5e1754a4ecb38b0ebe6df6"
          + "6c844f94aed142d4d0283d208bb786cd"
      ),
      (
        5 << 20,
        "413be4a88961d28ee8f3ca631e6e3348"
          + "8a5321f07e3319e72a3fd8d777feb4d7"
      ),
      (
        3000 << 20,
        "433a598b771937d31594778e96bca733"
          + "1e79b6c6a0ed940404a5cbb049e29311"
      ),
    ] as [(UInt64, String)])
  func `zeros have the digest of the definition`(size: UInt64, expected: String) {
    let tree = TreeDigest(size: size)
    #expect(tree.finish().hexadecimal == expected)
  }

  @Test func `leaves between zeros have the digest of the definition`() {
    var tree = TreeDigest(size: (4 << 20) + 3)
    tree.addZeros(upTo: 1)
    leaf([UInt8](repeating: 7, count: 1 << 20)).withUnsafeBytes { tree.add(leaf: $0) }
    tree.addZeros(upTo: 4)
    leaf([1, 2, 3]).withUnsafeBytes { tree.add(leaf: $0) }
    let digest = tree.finish()
    #expect(digest.algorithm == .treeSHA256)
    let expected = "d8f4b420549caa43549f9afd3f78f979" + "24fe8d0416b55aab14d2e9d525e02c1b"
    #expect(digest.hexadecimal == expected)
  }
}
