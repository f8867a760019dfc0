import Glibc
import System
import WriterKit

/// Compresses the archive on its way: a few threads, a ring of blocks, written in order.
///
/// Memory: twice as many blocks as threads, and a thread's codec; all taken at the start.
final class CompressedOutput: ArchiveOutput {
  /// As many as processors, but for machines that have many: those of the manifest.
  private static let threadsMax = 4

  private let target: PlainOutput
  private let jobs: [CompressionJob]
  private let threads: [WorkerThread]
  /// The block that is being filled.
  private var current = 0
  /// Blocks with the threads, the oldest of which is `current - pending`.
  private var pending = 0

  init(_ shape: CodecShape, _ target: PlainOutput) throws(PluginError) {
    self.target = target
    let count = max(1, min(Self.threadsMax, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))))
    var jobs: [CompressionJob] = []
    for _ in 0..<(2 * count) { jobs.append(CompressionJob(shape)) }
    var threads: [WorkerThread] = []
    for first in 0..<count {
      guard let codec = shape.makeCodec() else {
        throw PluginError(.internal, "the compressing library has no memory")
      }
      let own = Worker(codec: codec, jobs: [jobs[first], jobs[first + count]])
      do {
        threads.append(try WorkerThread(name: "compress-\(first)") { own.run() })
      } catch { throw PluginError("starting to compress", error) }
    }
    self.jobs = jobs
    self.threads = threads
  }

  func write(_ pieces: MemoryPieces) throws(PluginError) {
    for place in pieces.indices {
      var left = unsafe UnsafeRawBufferPointer(
        start: pieces[place].iov_base, count: pieces[place].iov_len)
      while unsafe !left.isEmpty {
        let job = jobs[current]
        let count = unsafe min(left.count, job.input.count - job.inputCount)
        unsafe UnsafeMutableRawBufferPointer(rebasing: job.input[job.inputCount...])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: left[..<count]))
        job.inputCount += count
        unsafe left = UnsafeRawBufferPointer(rebasing: left[count...])
        if unsafe job.inputCount == job.input.count { try submit() }
      }
    }
  }

  func finish() throws(PluginError) -> UInt64 {
    if jobs[current].inputCount > 0 { try submit() }
    while pending > 0 { try writeOldest() }
    stop()
    return try target.finish()
  }

  func abort() { target.abort() }

  private func submit() throws(PluginError) {
    jobs[current].submit()
    pending += 1
    current = (current + 1) % jobs.count
    if pending == jobs.count { try writeOldest() }
  }

  private func writeOldest() throws(PluginError) {
    let job = jobs[(current + jobs.count - pending) % jobs.count]
    job.await()
    pending -= 1
    job.inputCount = 0
    guard let count = job.outputCount else {
      throw PluginError(.internal, "compressing failed")
    }
    var piece = unsafe iovec(iov_base: job.output.baseAddress, iov_len: count)
    var failure: PluginError?
    unsafe withUnsafeMutablePointer(to: &piece) { pointer in
      do throws(PluginError) {
        try unsafe target.write(UnsafeMutableBufferPointer(start: pointer, count: 1))
      } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// Every block is written: each thread gets one more, which is its last.
  private func stop() {
    for place in 0..<threads.count {
      let job = jobs[(current + place) % jobs.count]
      job.isLast = true
      job.submit()
    }
    for thread in threads { thread.join() }
  }
}

/// A compressing thread: takes its blocks in turn.
///
/// `@unchecked Sendable` because: it is made, handed to one thread, and never touched by another;
/// the jobs say themselves who may touch them.
private final class Worker: @unchecked Sendable {
  private let codec: any BlockCodec
  private let jobs: [CompressionJob]

  init(codec: any BlockCodec, jobs: [CompressionJob]) {
    self.codec = codec
    self.jobs = jobs
  }

  func run() {
    var turn = 0
    while true {
      let job = jobs[turn]
      job.take()
      if job.isLast { return }
      let input = unsafe UnsafeRawBufferPointer(rebasing: job.input[..<job.inputCount])
      job.outputCount = unsafe codec.compress(input, into: job.output)
      job.finish()
      turn = (turn + 1) % jobs.count
    }
  }
}
