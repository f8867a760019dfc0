/// What this QEMU supports, determined from its schema alone, never from its version.
package struct MachineFeatures: Equatable, Sendable {
  /// A node can be exported as a vhost-user-blk device.
  package let hasVhostUserBlkExport: Bool
  /// A node can be exported by NBD.
  package let hasNBDExport: Bool
  /// Data read through a snapshot-access node is right: not in 7.2. The command
  /// `blockdev-set-active` is new in 10.0; what is between the two counts as unsound.
  package let snapshotAccessIsSound: Bool
  /// A job's requests in flight can be limited (argument `x-perf`).
  package let boundsWorkersOfJobs: Bool
  /// A backup job can break the backup instead of the guest's write (argument `on-cbw-error`).
  package let onCBWErrorOfJobs: Bool
  /// A copy-before-write node can do so (option `on-cbw-error` of the driver).
  package let onCBWErrorOfNodes: Bool
  /// A job can discard parts of its fleecing image that were read (argument `discard-source`).
  package let discardSourceOfJobs: Bool
  /// A backup can tell what has changed since another one: dirty bitmaps are merged in transactions
  /// and shown by NBD.
  package let hasDirtyBitmaps: Bool
  /// What a backup of a running machine needs and this QEMU lacks, as people may look it up.
  package let missing: [String]

  /// Whether a running machine can be backed up at all.
  package var canBackUp: Bool { missing.isEmpty }

  package init(schema: QMPSchema) {
    hasVhostUserBlkExport = schema.hasCase("vhost-user-blk", of: "block-export-add")
    hasNBDExport =
      schema.hasCase("nbd", of: "block-export-add") && schema.hasCommand("nbd-server-start")
    snapshotAccessIsSound = schema.hasCommand("blockdev-set-active")
    boundsWorkersOfJobs = schema.hasArgument("x-perf", of: "blockdev-backup")
    onCBWErrorOfJobs = schema.hasArgument("on-cbw-error", of: "blockdev-backup")
    onCBWErrorOfNodes = schema.hasArgument(
      "on-cbw-error", ofCase: "copy-before-write", of: "blockdev-add")
    discardSourceOfJobs = schema.hasArgument("discard-source", of: "blockdev-backup")
    hasDirtyBitmaps =
      ["block-dirty-bitmap-add", "block-dirty-bitmap-merge"].allSatisfy(schema.hasAction)
      && schema.hasCommand("block-dirty-bitmap-remove")
      && schema.hasArgument("bitmaps", ofCase: "nbd", of: "block-export-add")
    missing = Self.missing(in: schema)
  }

  private static let commands = [
    "add-fd", "remove-fd", "query-fdsets", "getfd", "closefd", "blockdev-add", "blockdev-del",
    "query-block", "query-named-block-nodes", "query-jobs", "job-cancel", "job-dismiss",
    "block-export-add", "block-export-del", "query-block-exports",
  ]

  private static func missing(in schema: QMPSchema) -> [String] {
    var missing = commands.filter { !schema.hasCommand($0) }
    if !schema.hasAction("blockdev-backup") { missing.append("transaction of blockdev-backup") }
    if !schema.hasArgument("filter-node-name", of: "blockdev-backup") {
      missing.append("blockdev-backup filter-node-name")
    }
    if !schema.hasCase("qcow2", of: "blockdev-add") { missing.append("the qcow2 driver") }
    let exports = ["vhost-user-blk", "nbd"]
    if !exports.contains(where: { schema.hasCase($0, of: "block-export-add") }) {
      missing.append("vhost-user-blk or NBD exports")
    }
    return missing
  }
}
