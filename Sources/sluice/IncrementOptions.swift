internal import ArgumentParser
internal import Requests

/// Options of backups that hold only what has changed.
struct IncrementOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How much of the disks to back up",
      discussion: """
        incremental: what has changed since the newest backup; differential: since the newest full \
        one; auto: incremental where that is possible, otherwise full. full is also the first of a \
        chain. With any level, a running VM's QEMU notes what is written from then on.
        """,
      valueName: "full|incremental|differential|auto"))
  var level: IncrementRequest.Level?

  @Option(
    help: ArgumentHelp(
      "Backup that the new one refers to, or a directory of backups (repeatable)",
      discussion: "Of a directory, the newest backup of the same VM. LABEL=PATH for one output.",
      valueName: "archive|dir"))
  var parent: [IncrementRequest.Parent] = []

  var request: IncrementRequest? {
    get throws(RequestError) {
      guard let level else {
        guard parent.isEmpty else { throw .parentWithoutLevel }
        return nil
      }
      return IncrementRequest(level, parents: parent)
    }
  }
}

/// Where parents are; an option of the verbs that read an archive's bytes.
struct ParentOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where the parents of an incremental archive are, if not beside it (repeatable)",
      valueName: "archive|dir"))
  var parent: [String] = []
}
