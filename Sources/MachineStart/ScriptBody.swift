internal import System

/// The text of a script.
struct ScriptBody {
  let kind: StartScript.Kind
  let emulator: String
  let hasMemory: Bool
  var comments: [String] = []
  var stops: [String] = []
  var words: [[ScriptWord]] = []
  /// Where the old QEMU stood, for relative names of a trusted line.
  var directory = ""
  var isAllowed = false
  /// The guest ran when it was backed up.
  var continues = false

  init(_ kind: StartScript.Kind, emulator: String, hasMemory: Bool) {
    self.kind = kind
    self.emulator = emulator
    self.hasMemory = hasMemory
  }

  func text() throws(StartError) -> String {
    var lines = ["#!/bin/sh"]
    lines += comments.map { "# \(sanitised($0.utf8))".trimmed }
    lines += ["set -eu", "umask 077", "qemu=${QEMU:-\(emulator)}"]
    lines += ["CDPATH= cd -P -- \"$(dirname -- \"$0\")\""]
    for stop in stops {
      lines.append("echo \(try ScriptWord.quoted("\(kind): \(cleaned(stop))")) >&2")
    }
    if !stops.isEmpty { lines += ["exit 78  # remove this line when it is done"] }
    if hasMemory { lines += guardLines }
    if kind == .resume { lines.append("exec 3<\(StartScript.memoryName)") }
    if continues { lines += Self.continuingLines }
    lines += try placeLines()
    if isAllowed { lines += Self.sandboxLines }
    return (lines + (try commandLines())).joined(separator: "\n") + "\n"
  }

  /// Memory fits the disks as they were restored, and no others.
  private var guardLines: [String] {
    guard kind == .resume else { return [": >\(StartScript.startedName)"] }
    return [
      "if ! (set -C; : >\(StartScript.startedName)) 2>/dev/null; then",
      "  echo 'resume: the machine was started before: its memory does not fit its disks any more'",
      "  echo 'resume: if its guest has not run, remove the file \(StartScript.startedName)'",
      "  exit 73",
      "fi >&2",
    ]
  }

  /// Sets `here`: in a list of QEMU a comma is doubled.
  private func placeLines() throws(StartError) -> [String] {
    if directory.isEmpty { return ["here=."] }
    let quoted = try ScriptWord.quoted(directory)
    return [
      "rest=$(pwd) here=",
      "while [ \"$rest\" != \"${rest#*,}\" ]; do",
      "  here=$here${rest%%,*},, rest=${rest#*,}",
      "done",
      "here=$here$rest",
      "cd -- \(quoted) || echo '\(kind): relative names will not be found' >&2",
    ]
  }

  /// QEMU's own, where it has one: devices and memory come from the archive.
  private static let sandboxLines = lines(
    #"""
    no=deny
    case $("$qemu" -help) in *-sandbox*)
      set -- -sandbox "on,obsolete=$no,elevateprivileges=$no,spawn=$no,resourcecontrol=$no" "$@"
    esac
    """#)

  /// Speaks QMP, once the memory is loaded. The pipes are open before QEMU has them, and close with
  /// it: nothing waits for one that has ended.
  private static let continuingLines = lines(
    #"""
    # Its guest was stopped while its memory was taken, and QEMU leaves it so.
    rm -f resume.in resume.out
    mkfifo resume.in resume.out
    exec 8<>resume.in 9<>resume.out
    (
      exec 3<&- 4>resume.in 5<resume.out 8<&- 9<&-
      say() { echo "{\"execute\":\"$1\"}" >&4; }
      while read -r line <&5; do
        case $line in
        *'"QMP":'*) rm -f resume.in resume.out; say qmp_capabilities ;;
        *'"return": {}'*) say query-status ;;
        *'"return":'*'"inmigrate"'*) sleep 0.1 || sleep 1; say query-status ;;
        *'"return":'*'"paused"'*) say cont; exit ;;
        *'"return":'*) exit ;;
        esac
      done
    ) </dev/null &
    """#)

  private static func lines(_ text: String) -> [String] {
    text.split(separator: "\n").map(String.init)
  }

  private func commandLines() throws(StartError) -> [String] {
    var parts = ["exec \"$qemu\""]
    for option in words {
      var quoted: [String] = []
      for word in option { quoted.append(try word.quoted()) }
      parts.append("  " + quoted.joined(separator: " "))
    }
    if isAllowed { parts.append("  -monitor none -display none") }
    let socket = try (ScriptWord("unix:") + .beside(StartScript.socketName) + ",server=on,wait=off")
      .quoted()
    parts.append("  -qmp \(socket)")
    if continues {
      let pipes = try (ScriptWord("pipe,id=sluice-resume,path=") + .beside("resume")).quoted()
      parts += ["  -chardev \(pipes)", "  -mon chardev=sluice-resume,mode=control"]
    }
    if kind == .resume { parts.append("  -incoming fd:3") }
    parts.append("  \"$@\"")
    return [parts.joined(separator: " \\\n")]
  }
}

extension String {
  /// Without spaces at its end.
  fileprivate var trimmed: String {
    var text = self
    while text.last == " " { text.removeLast() }
    return text
  }
}
