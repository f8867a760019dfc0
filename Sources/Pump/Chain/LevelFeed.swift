internal import SharedPool
internal import System

/// Where the reader of one archive of a chain, on its thread, meets the one that merges them.
///
/// The reader offers the pieces of a stream one after the other, some in advance: as many as it
/// has memory for, which stays as it is until the merger has got behind them. What the merger does
/// not need it never waits for.
package final class LevelFeed: Sendable {
  /// What an archive has of a stream from one place on.
  struct Piece {
    @safe enum Kind {
      /// Bytes of the reader, which do not change while the piece is offered.
      case bytes(UnsafeRawPointer)
      case zeros
      /// As in the archive below.
      case unchanged
    }

    var kind: Kind
    var range: Range<UInt64>

    var hasBytes: Bool { if case .bytes = kind { true } else { false } }
  }

  /// Pieces that a reader offers in advance.
  private static let offersMax = 32

  private enum Phase: Equatable {
    /// The stream's pieces come.
    case reading
    /// All pieces have come, and the rest of the stream is zeros.
    case ended
    /// And they are what they should be.
    case proven
  }

  /// What a reader waits for.
  private enum Need {
    /// That there are few offers.
    case room
    /// That the merger has got here.
    case merged(UInt64)
  }

  private struct State {
    /// The streams that are wanted, in order; `nil` until the merger knows.
    var wanted: [String]?
    /// The stream that the reader is at.
    var stream: String?
    var phase = Phase.reading
    /// What the reader offers, ascending.
    var offers: [Piece] = []
    /// Where the bytes of the offers are; it stays there even if the reader fails.
    var memory: SharedPool?
    /// What the reader waits for, if it does.
    var need: Need?
    /// The stream the merger is at, and how far it has got there.
    var mergedStream: String?
    var merged: UInt64 = 0
    /// The reader has ended, the merger has ended.
    var isGone = false
    var isClosed = false

    /// Drops the offers that the merger is behind.
    mutating func dropMerged() {
      while let first = offers.first, first.range.upperBound <= merged { offers.removeFirst() }
    }

    /// Whether the reader has what it waits for.
    var isNeedMet: Bool {
      switch need {
      case nil: false
      // Who is woken for every piece gets nothing else done.
      case .room: offers.count <= offersMax / 2
      case .merged(let end): merged >= end
      }
    }
  }

  private let state = WaitableState(State())

  package init() {}

  // The merger's side.

  /// Says which streams will be merged, in this order.
  package func want(_ streams: [String]) { state.update { $0.wanted = streams } }

  /// Begins the next stream.
  func begin(_ stream: String) {
    state.update { state in
      state.mergedStream = stream
      state.merged = 0
    }
  }

  /// Waits for what the archive has at a place of the stream; earlier ones are over.
  ///
  /// - Returns: A piece that contains the place, or begins there; `nil` if the reader is gone.
  func piece(at place: UInt64) -> Piece? {
    state.change { state in
      state.merged = place
      state.dropMerged()
      return state.isNeedMet
    }
    return state.wait { (state: State) -> Piece?? in
      if state.stream == state.mergedStream, let stream = state.stream, !stream.isEmpty {
        if let offer = state.offers.first {
          return offer.range.contains(place)
            ? offer : Piece(kind: .zeros, range: place..<offer.range.lowerBound)
        }
        if state.phase != .reading { return Piece(kind: .zeros, range: place..<UInt64.max) }
      }
      return state.isGone ? .some(nil) : nil
    }
  }

  /// Takes the rest of the stream for read, and waits for its proof.
  ///
  /// - Returns: Whether it came.
  func finishStream() -> Bool {
    state.update { state in
      state.merged = UInt64.max
      state.dropMerged()
    }
    return state.wait { state in
      if state.stream == state.mergedStream && state.phase == .proven { return true }
      return state.isGone ? false : nil
    }
  }

  /// No more will be merged; the reader's work is over, or of no use.
  package func close() { state.update { $0.isClosed = true } }

  // The reader's side.

  /// Waits until it is known which streams are wanted; none if nothing will be.
  package func wanted() -> [String] {
    state.wait { $0.wanted ?? ($0.isClosed ? [] : nil) }
  }

  /// Waits until a stream is merged.
  ///
  /// - Parameter memory: Where the bytes of pieces will be.
  /// - Returns: Whether it will be.
  func open(_ stream: String, _ memory: SharedPool) -> Bool {
    let isWanted = state.wait { $0.mergedStream == stream ? true : $0.isClosed ? false : nil }
    state.update { state in
      state.stream = stream
      state.phase = .reading
      state.offers = []
      state.memory = memory
      state.need = nil
    }
    return isWanted
  }

  /// Offers the next piece; bytes must not change until the merger is behind them. Waits while
  /// there are many offers.
  ///
  /// - Returns: Whether the merger is still there.
  func offer(_ piece: Piece) -> Bool {
    state.update { state in
      state.offers.append(piece)
      state.dropMerged()
      state.need = state.offers.count > Self.offersMax ? .room : nil
    }
    return waitForNeed()
  }

  /// How far the merger has got in the stream.
  var mergedUpTo: UInt64 { state.read { $0.merged } }

  /// Waits until the merger has got to a place behind which it needs no bytes.
  ///
  /// - Returns: Whether the merger is still there.
  func waitUntilMerged(upTo end: UInt64) -> Bool {
    state.update { $0.need = .merged(end) }
    return waitForNeed()
  }

  private func waitForNeed() -> Bool {
    state.wait { state in
      if state.isClosed { return false }
      return state.need == nil || state.isNeedMet ? true : nil
    }
  }

  /// All pieces of the stream have been offered.
  func endStream() { state.update { $0.phase = .ended } }

  /// The stream is what the archive above refers to.
  package func prove() { state.update { $0.phase = .proven } }

  /// The reader has ended.
  package func leave() { state.update { $0.isGone = true } }
}
