extension BackupRequest {
  /// Refuses a request that contradicts itself, whatever there is on this host.
  package func validate() throws(RequestError) {
    try validateSource()
    try validateOutputs()
  }

  /// Refuses what cannot be asked of this kind of disks.
  package func validateSource() throws(RequestError) {
    try requireStallLimit(stallLimit)
    try increment?.validate(computesDigests: computesDigests)
    guard let guest else {
      guard transport != .spool else { throw .spoolOfImages }
      return
    }
    try guest.validate()
    guard images.isEmpty else { throw .imagesAndGuest }
    guard allowBacking.isEmpty else { throw .backingOfGuest }
    guard !isStrict else { throw .strictGuest }
  }

  /// Refuses ambiguous outputs, and options that match no output.
  ///
  /// - Parameter isVMIDToCome: The VM's ID may come from the source, if the user does not give it.
  package func validateOutputs(isVMIDToCome: Bool = false) throws(RequestError) {
    guard !outputs.isEmpty else { throw .noOutput }
    guard outputs.count(where: { $0.place == .standardOutput }) <= 1 else {
      throw .severalOnStandardOutput
    }
    var labels: Set<String> = []
    var paths: Set<String> = []
    for output in outputs {
      if case .path(let pattern) = output.place, !isVMIDToCome { try pattern.requireUsable(vmID) }
      guard labels.insert(output.label).inserted else {
        throw .duplicateOutput(label: output.label, format: output.format)
      }
      if case .path(let pattern) = output.place, !paths.insert(pattern.text).inserted {
        throw .duplicatePath(pattern.text)
      }
    }
    guard savedReceipt == nil || outputs.count(where: \.place.isStream) == 1 else {
      throw .receiptOfNoStream
    }
    for option in options where !labels.contains(option.label) {
      throw .optionOfNoOutput(label: option.label, key: option.key)
    }
  }
}

/// Seconds that a plugin may make no progress: more than none, and no number that means for ever.
package func requireStallLimit(_ seconds: Double) throws(RequestError) {
  guard seconds > 0 && seconds < 1e9 else { throw .stallLimit }
}
