/// How a job's images are dealt out to QEMUs: a sandbox has room for so many files and sockets.
package enum DaemonGroups {
  /// Images of one daemon; as many as may have a vhost-user-blk export.
  private static let imagesMax = DaemonPlan.vhostExportsMax
  /// Files of one daemon, which the launcher opens for it.
  private static let filesMax = 40

  /// Neighbours that share a daemon, in order; an image with more files than that has its own.
  package static func ranges(_ images: [InspectedImage]) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var (start, files) = (0, 0)
    for (index, image) in images.enumerated() {
      let count = image.chain.reduce(0) { $0 + $1.files.count }
      if index > start, index - start == imagesMax || files + count > filesMax {
        ranges.append(start..<index)
        (start, files) = (index, 0)
      }
      files += count
    }
    if start < images.count { ranges.append(start..<images.count) }
    return ranges
  }
}
