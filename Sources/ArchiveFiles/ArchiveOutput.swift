public import Glibc
public import WriterKit

/// Pieces of memory that are written one behind the other.
public typealias MemoryPieces = UnsafeMutableBufferPointer<iovec>

/// Where the bytes of the archive go, in order.
public protocol ArchiveOutput: AnyObject {
  /// Adds pieces of memory; they may be used again when it returns.
  ///
  /// - Parameter pieces: Changed on the way.
  func write(_ pieces: MemoryPieces) throws(PluginError)

  /// Everything is there: completes what is under way, and brings it to stable storage.
  ///
  /// - Returns: Bytes written to the target.
  func finish() throws(PluginError) -> UInt64

  /// Removes what was written, as well as it goes.
  func abort()
}

extension ArchiveOutput {
  /// Adds bytes.
  public func write(_ bytes: [UInt8]) throws(PluginError) {
    var failure: PluginError?
    unsafe bytes.withUnsafeBytes { buffer in
      // Safe because: nobody writes to what an iovec names here.
      var piece = unsafe iovec(
        iov_base: UnsafeMutableRawPointer(mutating: buffer.baseAddress), iov_len: buffer.count)
      unsafe withUnsafeMutablePointer(to: &piece) { pointer in
        do throws(PluginError) {
          try unsafe write(UnsafeMutableBufferPointer(start: pointer, count: 1))
        } catch { failure = error }
      }
    }
    if let failure { throw failure }
  }
}
