internal import ArgumentParser
internal import Requests

/// Options of `sluice backup` for disk images that no VM has open.
struct ImageOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Disk image, and the disk's name in the archive (repeatable)",
      discussion: """
        Formats, where the suffix does not tell: raw, qcow2, vmdk, vdi, vhdx, vpc, qed, parallels. \
        Write ,, for a comma in a file name.
        """,
      valueName: "name=file[,format=f]"))
  var image: [BackupRequest.Image] = []

  @Option(
    name: .customLong("allow-backing"),
    help: ArgumentHelp(
      "Directory that may hold backing and data files, besides the image's own (repeatable)",
      valueName: "dir"))
  var allowBacking: [String] = []

  @Flag(
    help: ArgumentHelp(
      "Refuse images that otherwise cause a warning",
      discussion: """
        Truncated or marked as corrupt (qcow2), mounted, attached to a loop device or part of \
        another device, or raw by suffix with another format's header.
        """))
  var strict = false
}
