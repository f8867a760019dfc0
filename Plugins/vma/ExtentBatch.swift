import ArchiveFiles
import Glibc
import VMAFormat
import WriterKit

/// Extents on their way out, as a list of memory pieces: headers of our own, and between them the
/// blocks where the host put them. One call writes them all.
///
/// Extents with blocks leave when they are closed; those of zeros alone wait for each other, for a
/// hole of a terabyte has three hundred thousand of them.
///
/// Takes its memory at the start; the writer's thread owns it.
@safe final class ExtentBatch {
  /// Headers of one batch: 64 KiB.
  private static let headersMax = 128

  private let identifier: ArchiveIdentifier
  private let output: any ArchiveOutput
  private let headers: UnsafeMutableRawBufferPointer
  /// Blocks that cannot stay where they are: of inline frames, and the padded end of a disk.
  private let copies: UnsafeMutableRawBufferPointer
  private var copiedBytes = 0
  /// A cluster of zeros, for a device whose zeros are stored.
  private let zeros: UnsafeMutableRawBufferPointer
  private let pieces: UnsafeMutableBufferPointer<iovec>
  private var pieceCount = 0
  /// Headers in use, that of the open extent included.
  private var headerCount = 0
  private var extent = ExtentHeader()
  private var isOpen = false
  private var encoded = [UInt8](repeating: 0, count: Layout.extentHeaderBytes)
  /// Whether the batch has blocks of the host's memory.
  private(set) var isLent = false
  private var hasBlocks = false

  init(_ identifier: ArchiveIdentifier, output: any ArchiveOutput) {
    self.identifier = identifier
    self.output = output
    unsafe headers = .allocate(
      byteCount: Self.headersMax * Layout.extentHeaderBytes, alignment: 4096)
    unsafe copies = .allocate(
      byteCount: Layout.slotsWritten * Layout.clusterBytes, alignment: 4096)
    unsafe zeros = .allocate(byteCount: Layout.clusterBytes, alignment: 4096)
    unsafe zeros.initializeMemory(as: UInt8.self, repeating: 0)
    unsafe pieces = .allocate(capacity: PlainOutput.piecesMax)
  }

  deinit {
    unsafe headers.deallocate()
    unsafe copies.deallocate()
    unsafe zeros.deallocate()
    unsafe pieces.deallocate()
  }

  /// Whether the open extent takes no more slots.
  var isFull: Bool { extent.slots.count == Layout.slotsWritten }

  /// Adds a cluster; its blocks, if it has any, must follow.
  func add(_ slot: ExtentSlot) {
    if !isOpen { openExtent() }
    extent.append(slot)
  }

  /// Adds blocks of the last slot, which stay where they are until ``write()``.
  func addLent(_ blocks: UnsafeRawBufferPointer) {
    isLent = true
    hasBlocks = true
    unsafe append(blocks)
  }

  /// Adds a copy of blocks of the last slot, zeros after them up to a whole block.
  func addCopy(_ blocks: UnsafeRawBufferPointer) {
    hasBlocks = true
    let whole = (blocks.count + Layout.blockBytes - 1) & ~(Layout.blockBytes - 1)
    let place = unsafe UnsafeMutableRawBufferPointer(
      rebasing: copies[copiedBytes..<(copiedBytes + whole)])
    unsafe place.copyMemory(from: blocks)
    unsafe UnsafeMutableRawBufferPointer(rebasing: place[blocks.count...])
      .initializeMemory(as: UInt8.self, repeating: 0)
    copiedBytes += whole
    unsafe append(UnsafeRawBufferPointer(place))
  }

  /// Adds blocks of zeros of the last slot.
  ///
  /// - Parameter count: Bytes, whole blocks, a cluster at most.
  func addZeros(_ count: Int) {
    guard count > 0 else { return }
    hasBlocks = true
    unsafe append(UnsafeRawBufferPointer(rebasing: zeros[..<count]))
  }

  /// Ends the open extent; the batch leaves if it has blocks or no room.
  func closeExtent() throws(PluginError) {
    finishHeader()
    if hasBlocks || headerCount == Self.headersMax { try write() }
  }

  /// Adds an extent without slots.
  func addEmptyExtent() { if !isOpen { openExtent() } }

  /// Writes everything: no memory of the host's is needed any more.
  func write() throws(PluginError) {
    finishHeader()
    if pieceCount > 0 {
      try unsafe output.write(UnsafeMutableBufferPointer(rebasing: pieces[0..<pieceCount]))
    }
    (pieceCount, headerCount, copiedBytes) = (0, 0, 0)
    (isLent, hasBlocks) = (false, false)
  }

  private func openExtent() {
    isOpen = true
    extent.clear()
    let start = headerCount * Layout.extentHeaderBytes
    headerCount += 1
    unsafe append(
      UnsafeRawBufferPointer(rebasing: headers[start..<(start + Layout.extentHeaderBytes)]))
  }

  private func finishHeader() {
    guard isOpen else { return }
    isOpen = false
    extent.encode(identifier, into: &encoded)
    let start = (headerCount - 1) * Layout.extentHeaderBytes
    unsafe UnsafeMutableRawBufferPointer(rebasing: headers[start...]).copyBytes(from: encoded)
    extent.clear()
  }

  /// Adds memory, to the piece before if it follows that.
  private func append(_ bytes: UnsafeRawBufferPointer) {
    guard let start = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress) else { return }
    if pieceCount > 0, let base = unsafe pieces[pieceCount - 1].iov_base,
      unsafe base + Int(pieces[pieceCount - 1].iov_len) == start
    {
      unsafe pieces[pieceCount - 1].iov_len += bytes.count
      return
    }
    unsafe pieces[pieceCount] = iovec(iov_base: start, iov_len: bytes.count)
    pieceCount += 1
  }
}
