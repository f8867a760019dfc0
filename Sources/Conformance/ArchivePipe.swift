internal import CLinux
internal import Glibc
internal import Sandbox
internal import System

/// The other end of channel 6 where that is a pipe: what comes out goes into a file, or what is in
/// the file goes in.
final class ArchivePipe {
  private var end: OwnedDescriptor?
  private let file: OwnedDescriptor
  private let isWriting: Bool
  private var position: Int64 = 0
  private var lastSeen: Int64 = 0
  private var buffer = [UInt8](repeating: 0, count: 64 << 10)

  init(
    _ end: consuming OwnedDescriptor, _ room: CaseRoom, isWriting: Bool, _ owner: SandboxIdentity
  ) throws(SystemCallError) {
    try end.setNonblocking()
    self.end = consume end
    self.isWriting = isWriting
    file =
      isWriting
      ? try room.makeFile(CaseArchive.name, for: owner)
      : try room.open(CaseArchive.name, O_RDONLY)
  }

  /// In write mode, whether more may come.
  var isOpen: Bool { isWriting && end != nil }

  /// What it waits for.
  var interest: (descriptor: Int32, readiness: Readiness)? {
    guard let raw = end?.raw else { return nil }
    return (raw, isWriting ? .readable : .writable)
  }

  /// Whether anything went through since the last call.
  func hasMoved() -> Bool {
    defer { lastSeen = position }
    return position != lastSeen
  }

  /// Moves what can be moved.
  func move() throws(SystemCallError) {
    guard let raw = end?.raw else { return }
    if isWriting {
      guard let bytes = Bytes.read(raw, &buffer) else {
        end = nil
        try check(clinux_ftruncate(file.raw, position), .ftruncate, "an archive")
        return
      }
      // Terabytes of zeros take no room.
      if !Bytes.isZero(buffer, bytes.indices) {
        try check(Self.put(bytes, file.raw, at: position), .pwrite, "an archive")
      }
      position += Int64(bytes.count)
    } else {
      let bytes = try readBytes(file.raw, at: position, count: buffer.count)
      let count = bytes.isEmpty ? -1 : Bytes.write(raw, bytes[...])
      if count == -Int(EAGAIN) { return }
      if count <= 0 {
        end = nil
      } else {
        position += Int64(count)
      }
    }
  }

  private static func put(_ bytes: ArraySlice<UInt8>, _ file: Int32, at offset: Int64) -> Int {
    guard !bytes.isEmpty else { return 0 }
    return unsafe bytes.withUnsafeBytes {
      unsafe clinux_pwrite(file, $0.baseAddress!, $0.count, offset)
    }
  }
}
