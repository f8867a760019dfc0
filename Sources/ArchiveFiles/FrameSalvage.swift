import ArchiveBytes
import WriterKit

/// What can be had of a damaged archive that is compressed in frames or members: each of them is
/// decompressed before its first byte is handed on, because checksums are behind them.
///
/// Behind a damaged one the next is searched for. One that is larger than what is kept is handed on
/// as it comes: its damage shows late.
@safe final class FrameSalvage: ResumableSource {
  /// Bytes of a frame that are kept, before and after. Ours have 4 MiB.
  private static let frameBytesMax = 16 << 20
  private static let stepBytes = 256 << 10

  private let stream: any ByteSource
  private let magic: [UInt8]
  private let makeDecoder: () throws(PluginError) -> any Decoder
  private var decoder: any Decoder
  /// Compressed bytes, from the start of the frame on if that is kept.
  private var input: [UInt8] = []
  /// Those of them that the decoder has taken.
  private var taken = 0
  private var isInputAtEnd = false
  /// Whether the decoder stands between two frames.
  private var isBetween = true
  private var output: ArraySlice<UInt8> = []
  private var failure: ArchiveError?
  private(set) var position: UInt64 = 0

  init(
    _ stream: any ByteSource, magic: [UInt8],
    _ makeDecoder: @escaping () throws(PluginError) -> any Decoder
  ) throws(PluginError) {
    self.stream = stream
    self.magic = magic
    self.makeDecoder = makeDecoder
    decoder = try makeDecoder()
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
    var done = 0
    while done < buffer.count {
      if output.isEmpty {
        if failure == nil { fillOutput() }
        if let failure, output.isEmpty {
          position += UInt64(done)
          if done > 0 { return done }
          throw failure
        }
        if output.isEmpty { break }
      }
      let part = min(output.count, buffer.count - done)
      unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done..<(done + part)])
        .copyBytes(from: output.prefix(part))
      output = output.dropFirst(part)
      done += part
    }
    position += UInt64(done)
    return done
  }

  func skip(_ count: Int) throws(ArchiveError) -> Int {
    let waste = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 8)
    defer { unsafe waste.deallocate() }
    return try unsafe readAway(count, through: waste)
  }

  /// Goes to where the next frame may begin.
  func resume() {
    guard failure != nil else { return }
    failure = nil
    do throws(PluginError) { decoder = try makeDecoder() } catch {
      failure = ArchiveError(error)
      return
    }
    (taken, isBetween) = (0, true)
    input.removeFirst(min(1, input.count))
    while true {
      if let start = Self.place(of: magic, in: input) {
        input.removeFirst(start)
        return
      }
      input = input.suffix(magic.count - 1)
      do throws(ArchiveError) { try refill() } catch {
        failure = error
        return
      }
      if isInputAtEnd {
        input = []
        return
      }
    }
  }

  /// The next bytes: of a whole frame, unless it is too large.
  private func fillOutput() {
    var frame: [UInt8] = []
    do throws(ArchiveError) {
      // Some frames hold nothing: those that decoders skip.
      repeat {
        if taken == input.count { try refill() }
        if taken == input.count && isBetween { return }
        try step(into: &frame)
        forgetLongSkips(frame)
      } while frame.isEmpty || !isBetween && frame.count < Self.frameBytesMax
      // A damaged frame is searched for the next one from its start on.
      input.removeFirst(taken)
      taken = 0
      output = frame[...]
    } catch {
      failure = error
      // Of one that is cut off, what there is.
      if isInputAtEnd { output = frame[...] }
    }
  }

  /// A frame that decoders skip may be gigabytes of nothing: those are not kept.
  private func forgetLongSkips(_ frame: [UInt8]) {
    guard frame.isEmpty, taken > Self.frameBytesMax else { return }
    input.removeFirst(taken)
    taken = 0
  }

  private func step(into frame: inout [UInt8]) throws(ArchiveError) {
    var piece = [UInt8](repeating: 0, count: Self.stepBytes)
    let (count, from) = (input.count, taken)
    var failure: ArchiveError?
    let step = unsafe input.withUnsafeBytes { given in
      unsafe piece.withUnsafeMutableBytes { room -> (taken: Int, put: Int, isAtEnd: Bool) in
        do throws(ArchiveError) {
          return try unsafe decoder.step(UnsafeRawBufferPointer(rebasing: given[from...]), room)
        } catch {
          failure = error
          return (0, 0, false)
        }
      }
    }
    if let failure { throw failure }
    guard step.taken > 0 || step.put > 0 || step.isAtEnd else {
      throw .corrupt("the compressed stream is \(from == count ? "cut off" : "damaged")")
    }
    taken += step.taken
    frame += piece.prefix(step.put)
    isBetween = step.isAtEnd
  }

  private func refill() throws(ArchiveError) {
    var bytes = [UInt8](repeating: 0, count: Self.stepBytes)
    var span = bytes.mutableSpan
    let count = try unsafe span.withUnsafeMutableBytes { buffer throws(ArchiveError) in
      try unsafe stream.read(into: buffer)
    }
    isInputAtEnd = count == 0
    input += bytes.prefix(count)
  }

  private static func place(of magic: [UInt8], in bytes: [UInt8]) -> Int? {
    guard bytes.count >= magic.count else { return nil }
    return (0...(bytes.count - magic.count)).first { place in
      bytes[place] == magic[0] && bytes[place..<(place + magic.count)].elementsEqual(magic)
    }
  }
}
