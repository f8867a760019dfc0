internal import ArchiveJobs
internal import BackupProtocol
internal import JSON
internal import JobSupport
internal import System

extension DirectoryListing {
  /// Prints it as a table, or for tools.
  func tell(_ printer: EventPrinter) {
    for error in unreadable { printer.show(.warning("\(error)", error.remedy)) }
    printer.say(json)
    for line in table { printer.say(line) }
  }

  /// Columns; what refers to another archive is indented below it.
  private var table: [String] {
    let rows = lines.map { line in
      [
        cleaned(line.receipt.vm.shown), line.receipt.instant?.text ?? "",
        line.receipt.level.rawValue,
        formatBytes(line.storedBytes), line.receipt.format,
        String(repeating: "  ", count: line.depth) + cleaned(line.name), line.parentText,
      ]
    }
    return Columns(["VM", "TIME", "LEVEL", "SIZE", "FORMAT", "ARCHIVE", "PARENT"], rows).lines
  }

  private var json: JSONValue {
    [
      "schema": 1, "event": "archives", "directory": .string(absolutePath(directory)),
      "archives": .array(lines.map(\.json)),
    ]
  }
}

extension DirectoryListing.Line {
  fileprivate var parentText: String {
    switch parent {
    case nil: ""
    case .present(let name): cleaned(name)
    case .missing: "missing (\(receipt.parent?.instant.text ?? ""))"
    case .changed(let name): "changed: \(cleaned(name))"
    }
  }

  fileprivate var json: JSONValue {
    var object: JSONObject = [
      "name": .string(name), "path": .string(absolutePath(path)), "job": .string(receipt.job),
      "format": .string(receipt.format), "vm": receipt.vm.json,
      "instant": .string(receipt.instant?.text ?? ""), "level": .string(receipt.level.rawValue),
      "size": JSONValue(receipt.streams.reduce(0) { $0 + $1.size }),
      "stored": JSONValue(storedBytes),
    ]
    if let parent = receipt.parent {
      object["parent"] = [
        "job": .string(parent.job), "instant": .string(parent.instant.text),
        "state": .string(stateWord), "name": name(ofParent: self.parent),
      ]
    }
    return .object(object)
  }

  private var stateWord: String {
    switch parent {
    case .present: "present"
    case .changed: "changed"
    case .missing, nil: "missing"
    }
  }

  private func name(ofParent state: DirectoryListing.ParentState?) -> JSONValue {
    switch state {
    case .present(let name), .changed(let name): .string(name)
    case .missing, nil: .null
    }
  }
}

extension Job.Machine {
  fileprivate var shown: String { [name, id, uuid].first { !$0.isEmpty } ?? "-" }
}

/// A table in plain text: columns as wide as they need to be, the last one as it is.
struct Columns {
  let lines: [String]

  init(_ titles: [String], _ rows: [[String]]) {
    let all = [titles] + rows
    let widths = titles.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    lines = all.map { row in
      var line = zip(row, widths).map { text, width in
        text + String(repeating: " ", count: width - text.count)
      }.joined(separator: "  ")
      while line.hasSuffix(" ") { line.removeLast() }
      return line
    }
  }
}
