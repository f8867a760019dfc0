import ArchiveBytes
import BackupProtocol
import FuzzInput
import TarFormat

/// Called by libFuzzer with every input it makes: an archive without its zeros; see ``Archive``.
///
/// What must hold for any bytes: walking ends without a trap, in time and memory that the archive's
/// own size bounds; every member that is delivered has as many bytes as it says, which are those
/// that the archive has of it, and so have its parts; members are the same whether their bytes are
/// read or passed over.
@c(LLVMFuzzerTestOneInput)
public func fuzzArchives(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let archive = Archive(UnsafeBufferPointer(start: data, count: count))
  let listing = walk(archive.bytes) { _, _ in }
  let reading = walk(archive.bytes, deliver)
  precondition(
    listing.members.starts(with: reading.members), "what is read is not what is listed")
  precondition(
    reading.code != .none || reading == listing, "an archive is whole, and has no listing")
  #if CANARY
  precondition(reading.members.isEmpty, "the canary: the fuzzer must notice this")
  #endif
  return 0
}

/// What came out of an archive.
private struct Reading: Equatable {
  var members: [TarMember] = []
  var comment: String?
  var code = ErrorCode.none
}

private func walk(
  _ bytes: UnsafeRawBufferPointer,
  _ take: (TarMember, MemorySource) throws(ArchiveError) -> Void
) -> Reading {
  let source = MemorySource(bytes)
  let walk = TarWalk(source)
  var reading = Reading()
  do throws(ArchiveError) {
    while let member = try walk.next() {
      precondition(source.position == member.dataOffset, "a member begins elsewhere")
      check(member)
      reading.members.append(member)
      try take(member, source)
    }
    try walk.drain()
    precondition(source.position == bytes.count, "an archive goes on behind its end")
    reading.comment = walk.comment
  } catch {
    precondition(!error.message.isEmpty && error.code != .none, "a failure without a word")
    reading.code = error.code
  }
  return reading
}

private func check(_ member: TarMember) {
  precondition(member.byteCount <= Limits.streamBytesMax, "more bytes than a stream can have")
  var (end, sum): (UInt64, UInt64) = (0, 0)
  for extent in member.map.extents {
    precondition(!extent.isEmpty && extent.lowerBound >= end, "extents do not ascend")
    end = extent.upperBound
    sum += extent.upperBound - extent.lowerBound
  }
  precondition(end <= member.byteCount && sum == member.map.dataBytes, "a map does not add up")
}

private func deliver(_ member: TarMember, _ source: MemorySource) throws(ArchiveError) {
  var sum: UInt64 = 0
  let sink = CheckingSink(dataBytesMax: 1 << 20) { sum += dataSum($0, $1) }
  try member.deliver(from: source, to: sink)
  precondition(sink.byteCount == member.byteCount, "a member is not whole")
  let stored = member.dataOffset..<(member.dataOffset + member.map.dataBytes)
  precondition(source.position == stored.upperBound, "a member ends elsewhere")
  precondition(sum == source.sum(stored), "a member has other bytes than the archive")
  try deliverHalves(member, source, sum)
}

/// The two halves of a member, the second one first, have its bytes.
private func deliverHalves(
  _ member: TarMember, _ source: MemorySource, _ whole: UInt64
) throws(ArchiveError) {
  let ranges = MemberRanges(member)
  let half = member.byteCount / 2 / 65536 * 65536
  var sum: UInt64 = 0
  for part in [half..<member.byteCount, 0..<half] where !part.isEmpty {
    let sink = CheckingSink(dataBytesMax: 1 << 20) { sum += dataSum($0, $1) }
    try ranges.deliver(part, from: source, to: sink)
    precondition(sink.byteCount == UInt64(part.count), "a part is not whole")
  }
  precondition(sum == whole, "the parts of a member have other bytes than it")
}

/// The bytes of a piece, added up; what is masked is zeros.
private func dataSum(_ piece: UnsafeRawBufferPointer, _ masks: borrowing Span<BlockMask>) -> UInt64
{
  var sum: UInt64 = 0
  for block in 0..<(16 * masks.count) where block * 4096 < piece.count {
    let range = (block * 4096)..<min(piece.count, (block + 1) * 4096)
    let part = byteSum(UnsafeRawBufferPointer(rebasing: piece[range]))
    precondition(masks[block >> 4][block & 15] || part == 0, "a mask that is not so")
    sum += part
  }
  return sum
}
