internal import System

/// Where the reader of one archive of a chain, on its thread, meets the one that merges them.
///
/// The reader offers the pieces of a stream one after the other. With bytes it waits until the
/// merger has got behind them; of what is unchanged it offers some in advance. What the merger does
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

  /// Pieces without bytes that a reader offers in advance.
  private static let offersMax = 16

  private enum Phase: Equatable {
    /// The stream's pieces come.
    case reading
    /// All pieces have come, and the rest of the stream is zeros.
    case ended
    /// And they are what they should be.
    case proven
  }

  private struct State {
    /// The streams that are wanted, in order; `nil` until the merger knows.
    var wanted: [String]?
    /// The stream that the reader is at.
    var stream: String?
    var phase = Phase.reading
    /// What the reader offers, ascending; only the last one has bytes.
    var offers: [Piece] = []
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
      // As long as there are others, nobody needs the reader.
      return state.offers.isEmpty
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
  /// - Returns: Whether it will be.
  func open(_ stream: String) -> Bool {
    let isWanted = state.wait { $0.mergedStream == stream ? true : $0.isClosed ? false : nil }
    state.update { state in
      state.stream = stream
      state.phase = .reading
      state.offers = []
    }
    return isWanted
  }

  /// Offers the next piece. Waits until the merger is behind it if it has bytes, which may change
  /// afterwards, or until there are few offers.
  ///
  /// - Returns: Whether the merger is still there.
  func offer(_ piece: Piece) -> Bool {
    state.update { state in
      state.offers.append(piece)
      state.dropMerged()
    }
    let countMax = piece.hasBytes ? 0 : Self.offersMax
    return state.wait { state in
      if state.isClosed { return false }
      return state.offers.count <= countMax ? true : nil
    }
  }

  /// All pieces of the stream have been offered.
  func endStream() { state.update { $0.phase = .ended } }

  /// The stream is what the archive above refers to.
  package func prove() { state.update { $0.phase = .proven } }

  /// The reader has ended.
  package func leave() { state.update { $0.isGone = true } }
}
