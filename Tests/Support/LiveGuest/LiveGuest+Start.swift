internal import CLinux
import CommandLine
internal import Glibc
import System

extension LiveGuest {
  /// Says what happens to writes below `faultDirectory`, in the words of `fault-shim/shim.c`.
  package func setFault(_ word: String) throws {
    // In one step: the shim reads it at every write.
    try files.write("fault.new", Array(word.utf8))
    guard rename(files.path("fault.new"), files.path("fault")) == 0 else {
      throw SystemCallError(.rename, subject: files.path("fault"), code: errno)
    }
  }

  static func makeImages(_ setup: GuestSetup, _ files: Scratch) async throws {
    guard setup.images == nil else { return }
    for name in ["a", "b"] {
      let file = "\(name).\(setup.format.rawValue)"
      try await files.shell(
        "qemu-img create -q -f \(setup.format.rawValue) \(file) \(setup.diskBytes)")
    }
  }

  /// Starts QEMU in a session of its own; half an hour is the end of every guest.
  static func spawn(
    _ command: [String], _ setup: GuestSetup, _ files: Scratch, keys: Int32
  ) throws -> Int32 {
    var words = ["env", "-C", files.directory, "timeout", "-s", "KILL", "1800", "env"]
    if let directory = setup.faultDirectory {
      words += [
        "LD_PRELOAD=\(try realPath(GuestFiles.faultShim))",
        "SLUICE_FAULT_DIR=\(files.path(directory))",
        "SLUICE_FAULT_CONTROL=\(files.path("fault"))",
      ]
    }
    let serial = try openFile(files.path("serial"), flags: O_WRONLY | O_CREAT, mode: 0o600)
    let log = try openFile(files.path("qemu.log"), flags: O_WRONLY | O_CREAT, mode: 0o600)
    var argv: [UnsafeMutablePointer<CChar>?] = (words + command).map { strdup($0) } + [nil]
    var envp: [UnsafeMutablePointer<CChar>?] = [strdup("PATH=/usr/sbin:/usr/bin:/sbin:/bin"), nil]
    defer { for text in argv + envp { free(text) } }
    var pid: pid_t = 0
    let sources = [keys, serial.raw, log.raw]
    try check(
      clinux_spawn("/usr/bin/env", &argv, &envp, sources, [0, 1, 2], 3, &pid), .spawn, "qemu")
    return pid
  }

  /// Kills everything `spawn` started.
  static func end(_ pid: Int32) {
    _ = Glibc.kill(-pid, SIGKILL)
    var status: Int32 = 0
    waitpid(pid, &status, 0)
  }
}
