import WriterKit

/// What an archive of ours says that the host saw when it was made.
struct ApplianceReceipt {
  let machine: Job.Machine
  let instant: Timestamp?
  private let digests: [String: Digest]

  /// - Throws: E_CORRUPT if it is none, or of other streams.
  init(parsing bytes: [UInt8], _ appliance: Appliance) throws(PluginError) {
    let receipt: Receipt
    do { receipt = try Receipt(parsing: bytes) } catch {
      throw PluginError(.corrupt, "\(Appliance.receipt) is damaged: \(error)")
    }
    (machine, instant) = (receipt.vm, receipt.instant)
    guard receipt.streams.count == appliance.parts.count else {
      throw PluginError(
        .corrupt, "\(Appliance.receipt) does not match the streams in the descriptor")
    }
    var recorded: [String: Receipt.Stream] = [:]
    for stream in receipt.streams { recorded[stream.name] = stream }
    for part in appliance.parts {
      guard let stream = recorded[part.stream.name], stream.kind == part.stream.kind,
        stream.role == part.stream.role, stream.size == part.stream.size
      else {
        throw PluginError(.corrupt, "\(Appliance.receipt) does not match \"\(part.stream.name)\"")
      }
    }
    digests = recorded.mapValues(\.digest)
  }

  /// What the receipt says of a stream; `nil` if that is nothing.
  func digest(of name: String) -> Digest? {
    digests[name].flatMap { $0.algorithm == .none ? nil : $0 }
  }

  /// Holds what was read against it.
  func check(_ name: String, _ read: StreamDigests) throws(PluginError) {
    guard let recorded = digest(of: name), recorded.algorithm == .treeSHA256 else { return }
    guard recorded == read.tree else {
      throw PluginError(.corrupt, "\"\(name)\" is damaged: digest mismatch")
    }
  }
}

extension Appliance.Part {
  /// Holds a configuration against its copy in the descriptor.
  func checkCopy(_ read: StreamDigests) throws(PluginError) {
    guard let content, let digest = read.sha256 else { return }
    var hash = SHA256()
    hash.update(content)
    guard hash.finish() == digest else {
      throw PluginError(
        .corrupt, "\"\(stream.name)\" is damaged: it differs from its copy in the descriptor")
    }
  }
}
