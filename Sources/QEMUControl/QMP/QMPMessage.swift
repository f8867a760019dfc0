internal import JSON

/// One line from QEMU.
enum QMPMessage: Equatable {
  case greeting
  case returned(id: String?, value: JSONValue)
  case failed(id: String?, class: String, words: String)
  case event(QMPEvent)
  /// JSON of another kind; `what` for people.
  case foreign(what: String)

  /// Nesting accepted: a backing chain in `query-block` takes two levels per image.
  private static let depthMax = 128

  init(parsing line: [UInt8]) {
    do throws(JSONError) {
      self.init(try JSONValue(parsingLeniently: line, depthMax: Self.depthMax))
    } catch {
      self = .foreign(what: "\(error)")
    }
  }

  private init(_ value: JSONValue) {
    let id = value["id"]?.string
    if let result = value["return"] {
      self = .returned(id: id, value: result)
    } else if let error = value["error"] {
      self = .failed(
        id: id, class: error["class"]?.string ?? "GenericError",
        words: error["desc"]?.string ?? error.text)
    } else if let name = value["event"]?.string {
      self = .event(
        QMPEvent(
          name: name, data: value["data"]?.object ?? [:],
          seconds: Self.seconds(value["timestamp"])))
    } else if value["QMP"]?.object != nil {
      self = .greeting
    } else {
      self = .foreign(what: "an object without return, error or event")
    }
  }

  private static func seconds(_ timestamp: JSONValue?) -> Double {
    guard let whole = timestamp?["seconds"]?.integer, whole >= 0 else { return -1 }
    return Double(whole) + Double(max(0, timestamp?["microseconds"]?.integer ?? 0)) / 1e6
  }
}
