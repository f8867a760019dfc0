package import BackupProtocol
internal import CLinux
internal import Glibc
internal import System

/// What the streams of a job held, as far as it must show in an archive.
package struct SentBytes: Sendable, Equatable {
  /// Bytes of all streams, zeros included.
  package let logical: UInt64
  /// Bytes of the blocks that hold something other than zeros.
  package let data: UInt64

  package init(logical: UInt64, data: UInt64) {
    self.logical = logical
    self.data = data
  }
}

extension StagingPlace {
  /// Holds what the plugin says it made against what is there. Specified in protocol.md §14.1.
  ///
  /// Nothing is refused that a sound archive could be: a name or size that is not as announced,
  /// and an archive without a byte other than zero of streams that had some.
  package func requireArtefacts(
    _ finished: Finished, of sent: SentBytes
  ) throws(PublishingError) {
    var check = ArtefactCheck(sent)
    do throws(SystemCallError) {
      if kind == .directory {
        try check.directory(archive.raw, finished.artefacts)
      } else {
        try check.file(archive.raw, finished.artefacts, targetName)
      }
    } catch { throw .system(error) }
    if let refusal = check.refusal { throw refusal }
  }
}

/// One look at what a plugin left, against what it announced.
private struct ArtefactCheck {
  private(set) var refusal: PublishingError?
  private let sent: SentBytes
  /// Whether a byte other than zero was found, or none has to be.
  private var isFilled: Bool
  private var walked = 0

  init(_ sent: SentBytes) {
    self.sent = sent
    isFilled = sent.data == 0
  }

  /// A file that the host made, and that holds the whole archive.
  mutating func file(
    _ descriptor: Int32, _ artefacts: [Finished.Artefact], _ name: String
  ) throws(SystemCallError) {
    let size = try FileStatus(descriptor: descriptor, subject: name).size
    guard artefacts == [Finished.Artefact(name: Finished.archiveName, size: UInt64(size))] else {
      refusal = .missingArtefact(Finished.archiveName)
      return
    }
    if !isFilled { isFilled = try holdsSomething(descriptor, name) }
    if !isFilled || (size == 0 && sent.logical > 0) { refusal = .nothingWritten }
  }

  /// A directory: all that was announced is there, and nothing else.
  mutating func directory(
    _ directory: Int32, _ artefacts: [Finished.Artefact]
  ) throws(SystemCallError) {
    var announced: [FileName: UInt64] = [:]
    for artefact in artefacts { announced[FileName(artefact.name)] = artefact.size }
    for name in try listNames(in: directory) {
      guard let size = announced.removeValue(forKey: name) else {
        refusal = refusal ?? .foreignObject(name.text)
        continue
      }
      if try bytes(name, in: directory, depth: 1) != size, refusal == nil {
        refusal = .missingArtefact(name.text)
      }
    }
    let ghost = artefacts.first { announced[FileName($0.name)] != nil }
    refusal = refusal ?? ghost.map { .missingArtefact($0.name) }
    if refusal == nil && !isFilled { refusal = .nothingWritten }
  }

  /// Length of a file, or the sum of a folder's; objects of other kinds are refused later.
  private mutating func bytes(
    _ name: FileName, in directory: Int32, depth: Int
  ) throws(SystemCallError) -> UInt64 {
    walked += 1
    let status = try FileStatus(name, in: directory)
    if status.kind == .regular, !isFilled, status.size > 0 {
      let opened = try openLeftover(name, in: directory, flags: 0)
      isFilled = try holdsSomething(opened.raw, name.text)
    }
    guard status.kind == .directory else {
      return status.kind == .regular ? UInt64(status.size) : 0
    }
    guard depth <= StagingPlace.depthMax, walked <= StagingPlace.objectsMax else {
      refusal = .tooDeep(StagingPlace.depthMax)
      return 0
    }
    let opened = try openLeftover(name, in: directory, flags: O_DIRECTORY)
    var sum: UInt64 = 0
    for inner in try listNames(in: opened.raw) {
      sum &+= try bytes(inner, in: opened.raw, depth: depth + 1)
    }
    return sum
  }
}

/// Bytes of data in which one other than zero is looked for; an archive begins with one.
private let searchedBytesMax = 256 << 20

/// Whether a file holds a byte other than zero. What only the length was set of, or what was
/// preallocated, holds none.
private func holdsSomething(_ descriptor: Int32, _ name: String) throws(SystemCallError) -> Bool {
  if try findsSomething(descriptor) { return true }
  // What is not on the disk yet, a file system may take for a hole.
  try check(clinux_fsync(descriptor), .fsync, name)
  return try findsSomething(descriptor)
}

private func findsSomething(_ descriptor: Int32) throws(SystemCallError) -> Bool {
  var (position, searched): (Int64, Int) = (0, 0)
  while searched < searchedBytesMax {
    let data = clinux_seek_data(descriptor, position)
    if data == -Int64(ENXIO) { return false }
    // A file system without SEEK_DATA is read from here.
    position = max(position, data)
    let bytes = try readBytes(descriptor, at: position, count: 1 << 20)
    if bytes.isEmpty { return false }
    if bytes.contains(where: { $0 != 0 }) { return true }
    position += Int64(bytes.count)
    searched += bytes.count
  }
  return true
}
