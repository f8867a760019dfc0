import CLinux
import CommandLine
import Glibc
import System

/// Ranges of 4 KiB blocks that are not all zeros: what a hole-exact file has besides holes.
func dataRanges(_ bytes: [UInt8]) -> [Range<Int>] {
  var ranges: [Range<Int>] = []
  for start in stride(from: 0, to: bytes.count, by: 4096) {
    let block = start..<min(bytes.count, start + 4096)
    if isZeros(bytes, block) { continue }
    if ranges.last?.upperBound == start {
      ranges[ranges.count - 1] = ranges[ranges.count - 1].lowerBound..<block.upperBound
    } else {
      ranges.append(block)
    }
  }
  return ranges
}

/// Ranges of a file that are no holes, as the filesystem says.
func dataRanges(of name: String, in place: Scratch) throws -> [Range<Int>] {
  let file = try openFile(name, in: place.descriptor.raw, flags: O_RDONLY)
  var ranges: [Range<Int>] = []
  var position: Int64 = 0
  while true {
    let start = clinux_seek_data(file.raw, position)
    if start == -Int64(ENXIO) { return ranges }
    position = try check(clinux_seek_hole(file.raw, start), .lseek, name)
    ranges.append(Int(start)..<Int(position))
  }
}
