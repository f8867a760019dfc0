/// Gives turns: places side by side to many, the whole machine to one.
///
/// Every test is there from the start, and waits here. Guests take the longest and go first, two at
/// a time; what else there is fills the other places. What must be alone waits until all
/// others have ended: one quiet time at the end, rather than a standstill before each of them.
actor TurnDesk {
  enum Need: Int, Sendable {
    case place, guest, machine
  }

  static let shared = TurnDesk(places: 4, guests: 2)

  private var freePlaces: Int
  private var freeGuests: Int
  private let places: Int
  private var waiting: [Need: [CheckedContinuation<Void, Never>]] = [:]

  init(places: Int, guests: Int) {
    self.places = places
    freePlaces = places
    freeGuests = guests
  }

  func take(_ need: Need) async {
    await withCheckedContinuation { go in
      waiting[need, default: []].append(go)
      serve()
    }
  }

  func giveBack(_ need: Need) {
    freePlaces += need == .machine ? places : 1
    freeGuests += need == .guest ? 1 : 0
    serve()
  }

  private func serve() {
    while freePlaces > 0 {
      if freeGuests > 0, let go = next(.guest) {
        freeGuests -= 1
        freePlaces -= 1
        go.resume()
      } else if let go = next(.place) {
        freePlaces -= 1
        go.resume()
      } else {
        break
      }
    }
    // Whoever waits for a place would have got one.
    if freePlaces == places, let go = next(.machine) {
      freePlaces = 0
      go.resume()
    }
  }

  private func next(_ need: Need) -> CheckedContinuation<Void, Never>? {
    guard waiting[need]?.isEmpty == false else { return nil }
    return waiting[need]?.removeFirst()
  }
}
