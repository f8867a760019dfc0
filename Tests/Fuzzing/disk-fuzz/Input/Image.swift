/// A disk's file made of an input (``SectorFile``), with headers that are not refused at once, and
/// with deflated grains, put right.
package struct Image {
  /// What reads it.
  package enum Reader: UInt8 {
    case stream, table, qcow2, descriptor
  }

  /// What is not put right.
  private struct Kept: OptionSet {
    let rawValue: UInt8
    static let header = Kept(rawValue: 4)
    static let grains = Kept(rawValue: 8)
    static let end = Kept(rawValue: 16)
  }

  /// Whether a qcow2 image is read as an increment, above a disk of three clusters.
  package var isOverlay: Bool { file.flags & 32 != 0 }

  package let reader: Reader
  private(set) var file: SectorFile
  private let kept: Kept
  /// Valid until the next file is made.
  package var bytes: UnsafeRawBufferPointer { file.bytes }

  package init(_ input: UnsafeBufferPointer<UInt8>) {
    file = SectorFile(input) { Kept(rawValue: $0).contains(.end) }
    reader = Reader(rawValue: file.flags & 3)!
    kept = Kept(rawValue: file.flags)
    guard bytes.count >= 1024, reader != .descriptor else { return }
    if !kept.contains(.header) { reader == .qcow2 ? repairQCOW2() : repairVMDK() }
    if kept.contains(.grains) { return }
    switch reader {
    case .stream: putStreamGrains()
    case .table: putTableGrains()
    case .qcow2: putClusters()
    case .descriptor: break
    }
  }

  // MARK: Numbers

  func little(_ place: Int, _ count: Int) -> Int {
    guard place >= 0, place <= bytes.count - count else { return 0 }
    return (0..<count).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
  }

  func big(_ place: Int, _ count: Int) -> Int {
    guard place >= 0, place <= bytes.count - count else { return 0 }
    return (0..<count).reduce(0) { $0 << 8 | Int(bytes[place + $1]) }
  }

  mutating func putLittle(_ number: Int, at place: Int, _ count: Int) {
    file.put((0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }, at: place)
  }

  mutating func putBig(_ number: Int, at place: Int, _ count: Int) {
    file.put(
      (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * (count - 1 - $0))) }, at: place)
  }

  mutating func put(_ bytes: some Collection<UInt8>, at place: Int) { file.put(bytes, at: place) }
}
