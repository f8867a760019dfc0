internal import Glibc
package import SharedPool
package import System

/// Reads a stream that is in a file of this host, from the page cache as a rule.
package final class FileReader: DiskReader {
  /// Reads that are answered together: each is done when it is asked for.
  private static let together = 4

  private let file: OwnedDescriptor
  private let subject: String
  private let pool: SharedPool
  private var arrived: [ReadCompletion] = []

  /// - Parameters:
  ///   - subject: What the file is, for messages.
  package init(_ file: consuming OwnedDescriptor, subject: String, pool: SharedPool) {
    self.file = file
    self.subject = subject
    self.pool = pool
    arrived.reserveCapacity(Self.together)
  }

  package var readsInFlightMax: Int { Self.together }

  package func submit(slot: Int, offset: UInt64, length: Int) {
    let bytes = unsafe UnsafeMutableRawBufferPointer(
      rebasing: pool.unsafeBytes(slot: slot)[..<length])
    arrived.append(ReadCompletion(slot: slot, code: unsafe read(into: bytes, at: offset)))
  }

  /// - Returns: 0, or a positive errno; a file that ends too early is `EIO`.
  private func read(into bytes: UnsafeMutableRawBufferPointer, at offset: UInt64) -> Int32 {
    do throws(SystemCallError) {
      let count = unsafe try file.readAll(
        into: bytes, at: Int64(clamping: offset), subject: subject)
      return count == bytes.count ? 0 : EIO
    } catch {
      return error.code
    }
  }

  /// What was asked for has arrived: nothing to wait for.
  package func addDescriptors(to poller: inout Poller) {}

  package func collect(_ body: (ReadCompletion) -> Void) {
    for completion in arrived { body(completion) }
    arrived.removeAll(keepingCapacity: true)
  }

  package func close() {}
}
