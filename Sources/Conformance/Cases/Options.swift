internal import BackupProtocol
internal import JSON

extension ConformanceCase {
  /// The options of a manifest, §2.3 and §4.3.
  static let optionCases: [ConformanceCase] = [
    ConformanceCase(
      "core.options", "4.3-3", scope: .output,
      does: "writes an archive with each value of each declared option; expects it to be right",
      remedy: "take every value that the manifest allows"
    ) { bench in try tryValues(bench) },
    ConformanceCase(
      "core.options-wrong", "4.3-3", scope: .format,
      does: "gives each declared option a value of another type or range; expects E_BAD_OPTION",
      remedy: "refuse values that the manifest does not allow with E_BAD_OPTION"
    ) { bench in try tryWrong(bench) },
    ConformanceCase(
      "core.output-undeclared", "4.3-3", scope: .format,
      does: "asks for a kind of output that the format does not declare; expects a refusal",
      remedy: "answer E_UNSUPPORTED or E_BAD_JOB"
    ) { bench in
      let kinds: [Job.OutputKind] = [.file, .directory, .pipe]
      guard let other = kinds.first(where: { !bench.format.outputs.contains($0) }) else {
        throw NotApplicable("the format declares all kinds of output")
      }
      var setup = CaseSetup()
      setup.output = other
      let host = try bench.startWriter(setup)
      try host.greet()
      host.queueJob { _ in }
      host.probe()
      try host.expectError([.unsupported, .badJob], "4.3-3")
    },
    ConformanceCase(
      "core.mode-undeclared", "4.3-3", scope: .format,
      does: "asks for a mode that the format does not declare; expects a refusal",
      remedy: "answer E_UNSUPPORTED"
    ) { bench in
      let modes: [Job.Mode] = [.write, .read, .verify]
      guard let other = modes.first(where: { !bench.format.modes.contains($0) }) else {
        throw NotApplicable("the format declares all modes")
      }
      let host = try bench.startAnyway(CaseSetup())
      try host.greet()
      host.queueJob { $0["mode"] = .string(other.rawValue) }
      host.probe()
      try host.expectError([.unsupported, .badJob], "4.3-3")
    },
  ]

  private static func tryValues(_ bench: CaseBench) throws {
    try bench.require(!bench.format.options.isEmpty, "the format declares no options")
    for option in bench.format.options {
      var refusal: Refusal?
      var isTaken = false
      for value in option.samples {
        do {
          var setup = CaseSetup()
          setup.options = [option.name: value]
          try bench.expectContents(try bench.write(Content.fitting(bench), setup), clause: "4.3-3")
          isTaken = true
        } catch let found as Refusal { refusal = found }
      }
      // Values that contradict a kind of output, but not all of them.
      if !isTaken, let refusal { throw refusal }
    }
  }

  private static func tryWrong(_ bench: CaseBench) throws {
    try bench.require(!bench.format.options.isEmpty, "the format declares no options")
    for option in bench.format.options {
      for value in option.wrong {
        let host = try bench.startWriter()
        try host.greet()
        host.queueJob { $0["options"] = [option.name: value] }
        host.probe()
        do { try host.expectError([.badOption], "4.3-3") } catch let fault as Fault {
          throw Fault(fault.clause, "\(option.name) = \(value.text): \(fault.message)")
        }
      }
    }
  }
}

extension ManifestOption {
  /// Values that are right.
  fileprivate var samples: [JSONValue] {
    switch kind {
    case .bool: [true, false]
    case .integer: [.integer(range.lowerBound), .integer(range.upperBound)]
    case .choice: choices.map { .string($0) }
    case .string: defaultValue == .null ? [] : [defaultValue]
    }
  }

  /// Values that are not.
  fileprivate var wrong: [JSONValue] {
    switch kind {
    case .bool: ["yes", 1]
    case .integer:
      [.string("1")] + (range.upperBound < 1 << 53 ? [.integer(range.upperBound + 1)] : [])
        + [.integer(range.lowerBound - 1)]
    case .choice: ["no-such-choice", 1]
    case .string: [true]
    }
  }
}

extension Content {
  /// Small contents of the kinds that the format takes.
  static func fitting(_ bench: CaseBench) -> [Content] {
    let kinds = Set(bench.contents.map(\.stream.kind))
    return small.filter { kinds.contains($0.stream.kind) }
  }
}
