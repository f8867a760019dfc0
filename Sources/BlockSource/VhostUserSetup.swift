internal import SharedPool
internal import System

/// What a vhost-user-blk back-end is told before the first read, in order.
struct VhostUserSetup {
  /// Where QEMU is told that the pool lies.
  static let poolAddress: UInt64 = 0x1_0000_0000

  private static let needed =
    VhostUserFeature.version1 | VhostUserFeature.protocolFeatures
  private static let neededProtocol = VhostUserFeature.replyAcknowledge | VhostUserFeature.config

  /// Agrees on features and returns the disk's capacity in bytes.
  ///
  /// - Parameter features: Which are needed beside those that every reader needs.
  static func negotiate(
    _ channel: inout VhostUserChannel, features: UInt64 = 0
  ) throws(SourceError) -> UInt64 {
    let needed = needed | features
    let offered = try channel.askNumber(.getFeatures)
    let protocolOffered = try channel.askNumber(.getProtocolFeatures)
    guard offered & needed == needed, protocolOffered & neededProtocol == neededProtocol else {
      throw .vhostUserLacking
    }
    try channel.tell(.setProtocolFeatures, bytes(neededProtocol))
    channel.acknowledges = true
    try channel.tell(.setOwner)
    // SEG_MAX and SIZE_MAX are left out: their limits bind only who accepts them (virtio 5.2.5),
    // and a slot is read as one segment.
    try channel.tell(.setFeatures, bytes(needed | offered & VhostUserFeature.readOnly))
    return try capacity(&channel)
  }

  /// The first field of the configuration space: the capacity in sectors.
  private static func capacity(_ channel: inout VhostUserChannel) throws(SourceError) -> UInt64 {
    var question: [UInt8] = []
    for field: UInt32 in [0, 8, 0] { question.appendInteger(field) }
    question.appendInteger(0 as UInt64)
    let answer = try channel.ask(.getConfig, question)
    guard answer.count == question.count else {
      throw .protocolBroken(what: "configuration of \(answer.count) bytes")
    }
    let sectors: UInt64 = answer.loadInteger(at: 12)
    guard sectors <= UInt64.max / 1024 else {
      throw .protocolBroken(what: "disk size out of range")
    }
    return sectors * 512
  }

  /// Shares the pool and the rings. The acknowledgement proves nothing (QEMU 7.2 acknowledges a
  /// table it could not map): the reader's first read does.
  static func share(
    _ pool: SharedPool, _ rings: SharedPool, on channel: inout VhostUserChannel
  ) throws(SourceError) {
    var table: [UInt8] = []
    for field: UInt32 in [2, 0] { table.appendInteger(field) }
    for (memory, address) in [(pool, poolAddress), (rings, VirtQueue.address)] {
      for field in [address, UInt64(memory.shape.byteCount), address, 0] {
        table.appendInteger(field)
      }
    }
    try channel.tell(
      .setMemoryTable, table, descriptors: [pool.writableDescriptor, rings.writableDescriptor])
  }

  /// Hands the queue over and starts it.
  ///
  /// All at once, and so that a harmless request comes first: QEMU 8.2 and later handle the one
  /// request that arrives while the guest is being paused without their event loop, and would crash
  /// if that were the kick (`set_watch` in util/vhost-user-server.c). Those after it wait until
  /// the guest is paused.
  static func start(
    entryCount: UInt16, kick: Int32, call: Int32, on channel: inout VhostUserChannel
  ) throws(SourceError) {
    var addresses = state(0)
    for field in [
      VirtQueue.descriptorAddress, VirtQueue.usedAddress, VirtQueue.availableAddress, 0,
    ] { addresses.appendInteger(field) }
    try channel.tell([
      VhostUserChannel.Message(.setRingSize, state(UInt32(entryCount))),
      VhostUserChannel.Message(.setRingBase, state(0)),
      VhostUserChannel.Message(.setRingAddresses, addresses),
      VhostUserChannel.Message(.setRingCall, bytes(0), [call]),
      VhostUserChannel.Message(.setRingKick, bytes(0), [kick]),
      VhostUserChannel.Message(.setRingEnable, state(1)),
    ])
  }

  /// Queue 0 and one number.
  private static func state(_ value: UInt32) -> [UInt8] {
    var bytes: [UInt8] = []
    for field in [0, value] { bytes.appendInteger(field) }
    return bytes
  }

  private static func bytes(_ value: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendInteger(value)
    return bytes
  }
}
