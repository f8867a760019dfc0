extension OVFDescriptor {
  /// The descriptor as XML.
  ///
  /// - Throws: `OVFError` for texts that XML cannot hold, and for disks and streams whose file is
  ///   missing.
  package func serialised() throws(OVFError) -> [UInt8] { [] }
}
