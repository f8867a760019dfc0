package import BackupProtocol
internal import BlockSource
package import JobSupport
package import Pump
internal import Requests

/// Decides for every disk how much of it is stored, before plugins are started.
package struct IncrementCapture {
  private let chosen: ChosenParent
  /// Whether a disk that cannot be an increment is stored as a whole.
  private let isOptional: Bool
  private let order: JobOrder

  package init(_ chosen: ChosenParent, _ order: JobOrder) {
    self.chosen = chosen
    self.order = order
    isOptional = order.increment?.level == .auto
  }

  /// The streams with what is stored of each.
  ///
  /// - Parameters:
  ///   - streams: Of the job; those that are no disks stay as they are.
  ///   - bitmaps: Where a disk has changed, by its name, if QEMU noted it.
  ///   - whyNoBitmap: By the disk's name; "" where nobody could have.
  /// - Throws: `JobError` if a level was demanded that is not possible, or the job was stopped.
  package func streams(
    _ streams: [LaneStream], bitmaps: [String: [Extent]] = [:], whyNoBitmap: [String: String] = [:]
  ) throws(JobError) -> [LaneStream] {
    guard let parent = chosen.parent else {
      return streams.map { stream in
        stream.isDisk ? stream.captured(DiskCapture(.full, chosen.whyNone)) : stream
      }
    }
    var streams = streams
    var compared: [ParentComparison.Disk] = []
    for (index, stream) in streams.enumerated() where stream.isDisk {
      let name = stream.description.name
      if parent.receipt.contents[name] == nil {
        streams[index] = stream.captured(DiskCapture(.full, "the parent does not have this disk"))
      } else if let map = bitmaps[name] {
        streams[index] = stream.captured(
          DiskCapture(.bitmap, "QEMU noted what was written since the parent"), map: map)
      } else {
        let reader = try reader(of: stream)
        streams[index] = stream.read(by: reader)
        compared.append(
          ParentComparison.Disk(name: name, size: stream.size, map: stream.map, reader: reader))
      }
    }
    let outcome = try ParentComparison(parent, order).run(compared)
    return try streams.map { stream throws(JobError) in
      guard compared.contains(where: { $0.name == stream.description.name }) else { return stream }
      return try captured(stream, outcome, whyNoBitmap[stream.description.name] ?? "")
    }
  }

  private func reader(of stream: LaneStream) throws(JobError) -> any DiskReader {
    do throws(SourceError) { return try stream.openReader() } catch {
      throw JobError(LaneFailure.source(stream: stream.description.name, error))
    }
  }

  private func captured(
    _ stream: LaneStream, _ outcome: ParentComparison.Outcome, _ whyNoBitmap: String
  ) throws(JobError) -> LaneStream {
    if let map = outcome.maps[stream.description.name] {
      let reason = whyNoBitmap.isEmpty ? "compared with the parent" : whyNoBitmap
      return stream.captured(DiskCapture(.compare, reason), map: map)
    }
    let failure =
      outcome.failure
      ?? JobError(.badData, "\"\(stream.description.name)\" is missing in the parent")
    guard isOptional else { throw failure }
    order.surroundings.events(
      .warning("\(stream.description.name) is stored in full: \(failure)", failure.remedy))
    return stream.captured(DiskCapture(.full, "the parent could not be read: \(failure)"))
  }
}

extension LaneStream {
  fileprivate var isDisk: Bool { description.kind == .disk }
}
