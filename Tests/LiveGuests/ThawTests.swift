import CommandLine
import LiveGuest
import Testing

/// A guest that was frozen and cannot be thawed: everybody who could see to it is told.
@Suite(
  .withGuest, .enabled(if: Emulator.usual.isThere, Emulator.usual.missing),
  .enabled(if: Build.has("python3"), "needs python3"))
struct ThawTests {
  /// An agent that freezes; it thaws unless there is a file `agent.bad`, and then refuses or hangs.
  private static let agent = """
    import json, os, socket, sys, threading
    path, mode = sys.argv[1:]
    def answer(line):
        order = json.loads(line.lstrip(b'\\xff'))
        if order['execute'] == 'guest-sync-delimited':
            return b'\\xff' + json.dumps({'return': order['arguments']['id']}).encode()
        if order['execute'] == 'guest-fsfreeze-thaw' and os.path.exists(path + '.bad'):
            error = b'{"error": {"class": "GenericError", "desc": "cannot thaw"}}'
            return error if mode == 'refuses' else None
        return b'{"return": 2}'
    def serve(peer):
        for line in peer.makefile('rb'):
            words = answer(line)
            if words: peer.sendall(words + b'\\n')
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(8)
    while True: threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
    """

  @Test(arguments: ["refuses", "hangs"])
  func `a guest that cannot be thawed costs the status, and recover thaws it`(
    how: String
  ) async throws {
    let guest = try await LiveGuest(GuestSetup(), prepare: "touch fake.bad")
    let socket = guest.files.path("fake")
    let agent = try Program(["python3", "-c", Self.agent, socket, how])
    defer { agent.send(9) }
    while !guest.files.exists("fake") { try await Task.sleep(for: .milliseconds(10)) }
    let before = try guest.blockState()
    let backup = try await sluice(
      ["backup", "--qmp", guest.qmp, "--guest-agent", socket, "--to", "raw=x"],
      in: guest.files.directory)
    #expect(backup.status == 75, "\(backup.errors)")
    #expect(backup.output.contains("x is complete"), "\(backup.output)")
    for words in [
      "the backup is complete, but cleaning up QEMU is not: the guest may still be frozen",
      "sluice exited before cleaning up; no leftovers in QEMU; the guest may still be frozen",
      "sluice recover --qmp",
    ] { #expect(backup.errors.contains(words), "lacks \(words): \(backup.errors)") }
    #expect(try await sluice(["verify", "x"], in: guest.files.directory).status == 0)
    try LiveBackup(guest: guest).expectUnharmed(before)
    #expect(try SlowBackup.journals(of: guest).count == 1)

    let failing = try await sluice(["recover", "--qmp", guest.qmp])
    #expect(failing.status == 74, "\(failing.output)")
    #expect(failing.errors.contains("the guest may still be frozen"), "\(failing.errors)")
    #expect(try SlowBackup.journals(of: guest).count == 1)

    try await guest.files.shell("rm fake.bad")
    let recovery = try await sluice(["recover", "--qmp", guest.qmp])
    #expect(recovery.status == 0, "\(recovery.errors)")
    for words in ["no leftovers of dead job", "2 guest filesystems thawed"] {
      #expect(recovery.output.contains(words), "lacks \(words): \(recovery.output)")
    }
    #expect(try SlowBackup.journals(of: guest) == [])
  }
}
