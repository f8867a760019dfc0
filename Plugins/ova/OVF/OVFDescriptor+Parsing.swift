extension OVFDescriptor {
  /// Reads a descriptor, ours or others'.
  ///
  /// - Parameter bytes: Hostile or not; 4 MiB at most.
  /// - Throws: `OVFError`.
  package init(parsing bytes: [UInt8]) throws(OVFError) { throw .systems(0) }
}
