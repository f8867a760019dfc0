package import BackupProtocol
internal import WriterKit

/// The digest that a host would send of these bytes.
package func treeDigest(_ bytes: [UInt8]) -> Digest {
  var digest = TreeDigest()
  digest.update(bytes.span.bytes)
  return Digest(algorithm: .treeSHA256, bytes: digest.finish())
}
