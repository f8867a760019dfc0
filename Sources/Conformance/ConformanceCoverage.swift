/// Which cases prove a rule of protocol.md, or why none does.
package enum ConformanceCoverage {
  /// Cases by rule.
  package static let cases: [String: [String]] = {
    var cases: [String: [String]] = [:]
    for one in ConformanceCase.all {
      for clause in one.clauses { cases[clause, default: []].append(one.id) }
    }
    return cases
  }()

  /// Rules that the driver holds every frame and every end of a plugin against, in all cases: there
  /// is none that proves them alone.
  package static let always: [String: String] = [
    "1.2-1": "every frame is read and written so",
    "1.3-1": "every JSON payload of the plugin",
    "2.1-1": "channels 1 and 2 are read as text, and never as frames",
    "2.3-1": "the manifest is read before anything is tried",
    "2.5-1": "in the sandbox: what the profile does not grant is denied, and the call is named",
    "2.5-2": "before anything is tried: a script of another profile is refused",
    "2.5-4": "before anything is tried: a folder that is not as it should be is refused",
    "2.4-1": "the exit status of every case",
    "3.1-3": "every case",
    "3.2-5": "every end of channel 4",
    "4.4-2": "every end",
    "4.4-4": "every FINISHED",
    "4.5-1": "every ERROR",
    "4.5-2": "every ERROR in write mode is fatal",
    "4.13-1": "LOG, PROGRESS and BUSY are taken at any time, and checked",
    "5.4-2": "every FINISHED in write mode",
    "7.1-1": "streams are read in the order of JOB_ACK",
    "8.1-2": "no frame but DATA waits for a RELEASE",
    "11-4": "every HELLO_ACK of a plugin whose manifest needs the map",
    "14.3-1": "a receipt that a plugin writes is read as every host reads it",
    "15.1-1": "every ERROR",
    "15.2-1": "every ERROR that a case waits for",
  ]

  /// Rules that bind plugins and cannot be proven from outside.
  package static let untestable: [String: String] = [
    "2.1-5": "that nothing else is written to: the sandbox denies it, and names the call",
    "2.1-6": "the scratch file is given where the manifest needs one; that it is used is not seen",
    "2.2-1": "what a plugin relies on is not seen; in the sandbox nothing else is there",
    "2.2-4": "a plugin is not asked twice",
    "4.5-3": "no host's ERROR asks for a decision",
    "6.4-3": "what a format keeps of its parent is its own",
    "8.2-3": "a format may gather across streams; what is left after FINISH is proven by [5.4-2]",
    "9.2-1": "how a plugin maps is not seen; the descriptor cannot be mapped writable",
    "10.2-1": "a plugin need not compute digests; those it sends are held against the bytes",
    "10.2-2": "what a plugin compares is not seen",
    "10.2-3": "a digest in another form is refused by the driver, as by every host",
    "10.3-1": "a consequence, no demand",
    "12-3": "a token means nothing to others",
    "13.1-1": "a plugin that says nothing for 10 s fails its case",
    "13.1-2": "no case takes so long",
    "13.1-3": "no demand on plugins",
    "13.1-4": "no case takes so long",
    "14.1-4": "what a plugin assumes is not seen; the archive has no name that it could know",
    "17.4-4": "a permission; GREASE of the plugin is skipped",
  ]

  /// Rules that bind hosts, or say how words and documents are to be understood.
  package static let ofHosts: Set<String> = [
    "2.1-2", "2.3-2", "2.3-5", "2.3-6", "2.3-7", "2.3-8", "2.5-3", "2.5-5",
    "4.1-1", "4.3-4", "4.13-2", "4.15-1", "4.15-3", "5.1-1",
    "5.4-1", "6.2-1", "6.2-2", "6.3-1", "6.4-4", "6.4-5", "6.4-6", "7.2-6", "7.2-10", "7.3-3",
    "7.3-4",
    "7.4-3", "7.5-3", "7.5-5", "7.6-1", "7.6-2", "7.6-3", "7.6-4", "7.6-5", "8.3-1", "8.3-2",
    "8.3-3",
    "8.3-4", "8.3-5", "9.1-1", "9.2-2", "9.3-2", "9.3-3", "11-1", "12-4", "13.2-2",
    "13.2-3", "14.1-1", "14.1-3", "14.1-6", "14.3-2", "14.3-3", "14.3-4", "15.2-3",
    "15.2-4", "17.1-2", "17.2-1", "17.4-2", "21-1", "21-2",
  ]

  /// docs/conformance.md, of the rules of protocol.md in their order.
  package static func document(_ rules: [String]) -> String {
    """
    # Which cases prove a rule

    Each rule of [protocol.md](../protocol.md) that binds plugins, with the cases of `sluice plugin
    check` ([plugins](plugins.md#test-it)) that prove it, or why none does. Made from the cases by
    their test; do not edit it.

    | rule | cases |
    |---|---|
    \(rules.filter { !ofHosts.contains($0) }.map(row).joined(separator: "\n"))

    These rules bind hosts, or say what words mean: \(hostRules(rules)).

    """
  }

  private static func row(_ rule: String) -> String {
    var words: [String] = []
    if let found = cases[rule] { words.append(found.map { "`\($0)`" }.joined(separator: ", ")) }
    if let reason = always[rule] { words.append("all: " + reason) }
    if let reason = untestable[rule] { words.append("none: " + reason) }
    return "| [\(rule)] | \(words.joined(separator: "; ")) |"
  }

  private static func hostRules(_ rules: [String]) -> String {
    rules.filter { ofHosts.contains($0) }.map { "[\($0)]" }.joined(separator: ", ")
  }
}
