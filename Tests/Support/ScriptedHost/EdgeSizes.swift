/// Sizes of disks that end everywhere in blocks, clusters and slots.
package let edgeSizes = [
  0, 1, 511, 512, 513, 4095, 4096, 65535, 65536, 65537, 1_048_575, 1_048_576, 1_048_577,
  3 * 1_048_576 + 5, 59 * 65536 + 4609,
]

/// The same in whole sectors, which some formats are made of, and at the ends of VMA's extents of
/// 59 clusters.
package let edgeSectorSizes = [
  512, 3584, 4096, 4608, 65024, 65536, 66048, 69632, 1_048_064, 1_048_576, 1_049_088,
  58 * 65536 - 512, 58 * 65536, 58 * 65536 + 512, 59 * 65536, 117 * 65536 + 4608,
]
