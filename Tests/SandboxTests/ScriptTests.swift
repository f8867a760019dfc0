import CommandLine
import Foundation
import Testing

@testable import Sandbox
@testable import System

/// What a script sees, can do and cannot, behind all layers.
@Suite(.inTurns, .enabled(if: Scripts.canRun, "needs perl and python3")) struct ScriptTests {
  /// Prints each name in some directories, sorted: `DIRECTORY: NAME NAME`, or `DIRECTORY: !`.
  private static let listings: [(InterpreterProfile, String)] = [
    (
      .python,
      """
      import os, sys
      for path in sys.argv[1:]:
          try: print(path + ":", *sorted(os.listdir(path)))
          except OSError: print(path + ": !")
      """
    ),
    (
      .perl,
      """
      for my $path (@ARGV) {
        if (opendir(my $directory, $path)) {
          print join(' ', "$path:", sort grep { !/^\\.\\.?$/ } readdir $directory), "\\n";
        } else { print "$path: !\\n" }
      }
      """
    ),
  ]

  private func list(
    _ index: Int, _ paths: [String], without: SandboxLayers = []
  ) throws -> (lines: [String], folder: Scratch) {
    let (profile, text) = Self.listings[index]
    let place = try Scratch()
    let script = try place.file("list", mode: 0o644, text)
    let visit = try Guest(
      script, profile, arguments: paths + [place.directory],
      mode: without.isEmpty ? .strict : .auto, without: without
    ).finish()
    #expect(visit.status == .code(0), "\(visit.events)")
    return (visit.output.split(separator: "\n").map(String.init), place)
  }

  private static let directories = ["/", "/etc", "/usr", "/usr/share", "/var", "/var/tmp"]

  @Test(arguments: [0, 1])
  func `a script sees its folder and the libraries of the distribution, and nothing else`(
    index: Int
  ) throws {
    let files = FileManager.default
    let (lines, place) = try list(index, Self.directories + ["/usr/lib"])
    let libraries = try files.contentsOfDirectory(atPath: "/usr/lib").sorted()
    #expect(
      lines == Self.directories.map { $0 + ": !" } + [
        "/usr/lib: " + libraries.joined(separator: " "), "\(place.directory): list",
      ])
  }

  /// With Landlock the directories above cannot even be listed.
  @Test(arguments: [0, 1])
  func `in its new root there is nothing else`(index: Int) throws {
    func there(_ names: [String], in directory: String) -> String {
      names.filter { FileManager.default.fileExists(atPath: directory + "/" + $0) }
        .joined(separator: " ")
    }
    let (lines, place) = try list(index, Self.directories, without: .landlock)
    let isPerl = Self.listings[index].0 == .perl
    #expect(
      lines == [
        "/: etc \(there(["lib", "lib64"], in: "/")) usr var", "/etc: ld.so.cache",
        "/usr: \(there(["lib", "lib64"] + (isPerl ? ["share"] : []), in: "/usr"))",
        isPerl ? "/usr/share: \(there(["perl", "perl5"], in: "/usr/share"))" : "/usr/share: !",
        "/var: tmp", "/var/tmp: \(splitPath(place.directory).name)", "\(place.directory): list",
      ])
  }

  @Test(arguments: [0, 1])
  func `without a new root it can list no more than that`(index: Int) throws {
    let (lines, place) = try list(
      index, ["/", "/etc", "/usr", "/usr/local", "/usr/share", "/var/tmp", "/proc", "/root"],
      without: .allNamespaces)
    #expect(lines.dropLast().allSatisfy { $0.hasSuffix(": !") }, "\(lines)")
    #expect(lines.last == "\(place.directory): list")
  }

  /// A line of Python, what it writes and how it ends.
  private static let conduct: [(code: String, output: String)] = [
    ("import json, os, struct, sys, hashlib, zlib, bz2, lzma, mmap, threading, select, ctypes", ""),
    ("import hashlib; print(hashlib.sha256(b'').hexdigest()[:8])", "e3b0c442"),
    ("import sys; print(sys.flags.ignore_environment, sys.flags.no_user_site)", "1 1"),
    (
      """
      import os, sys
      for path in filter(os.path.isdir, sys.path):
          try: assert os.listdir(path) and "local" not in path
          except PermissionError: assert "local" in path
      """, ""
    ),
    ("import sys; print(sys.getfilesystemencoding())", "utf-8"),
    ("import helper; print(helper.answer)", "42"),
    (
      "import threading; t = threading.Thread(target=lambda: print('ran')); t.start(); t.join()",
      "ran"
    ),
    ("import ctypes; print(ctypes.CDLL(None).abs(-3))", "3"),
    (
      """
      import os, sys
      room = bytearray(9)
      print(os.preadv(os.open(sys.argv[0], os.O_RDONLY), [room], 0), room.decode())
      try: os.pwritev(os.open(sys.argv[0], os.O_RDONLY), [room], 0)
      except OSError as error: print(error)
      """, "9 import os\n[Errno 9] Bad file descriptor"
    ),
    // What does not work fails as Python says it, and ends nothing.
    (
      """
      try: open('/tmp/new', 'w')
      except OSError as error: print(error)
      """, "[Errno 30] Read-only file system: '/tmp/new'"
    ),
    (
      """
      import tempfile
      try: tempfile.TemporaryFile()
      except OSError as error: print(type(error).__name__)
      """, "FileNotFoundError"
    ),
    (
      """
      import ctypes
      try: ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 7)
      except (MemoryError, RuntimeError, OSError) as error: print(type(error).__name__)
      """, "MemoryError"
    ),
  ]

  @Test(arguments: conduct.indices, [SandboxLayers(), .landlock, .allNamespaces])
  func `Python works as far as it may`(index: Int, without: SandboxLayers) throws {
    let place = try Scratch()
    _ = try place.file("helper.py", mode: 0o644, "answer = 42\n")
    let script = try place.file("script.py", mode: 0o644, Self.conduct[index].code)
    let visit = try Guest(script, .python, without: without).finish()
    #expect(visit.status == .code(0), "\(visit.events)")
    let output = Self.conduct[index].output
    #expect(visit.output == (output.isEmpty ? "" : output + "\n"))
    #expect(try place.names() == ["helper.py", "script.py"], "nothing is cached")
  }

  @Test(arguments: [SandboxLayers(), .landlock, .allNamespaces])
  func `Perl works with the modules of the distribution`(without: SandboxLayers) throws {
    let place = try Scratch()
    _ = try place.file("Helper.pm", mode: 0o644, "package Helper; our $answer = 42; 1;\n")
    let script = try place.file(
      "script.pl", mode: 0o644,
      """
      use strict; use warnings; use JSON::PP; use POSIX; use Fcntl; use Digest::SHA 'sha256_hex';
      use FindBin; use lib $FindBin::Bin; use Helper;
      open(my $new, '>', '/tmp/new') and die; print "$!\\n";
      select(undef, undef, undef, 0.01);
      print encode_json([$Helper::answer, substr(sha256_hex(''), 0, 8)]), "\\n";
      """)
    let visit = try Guest(script, .perl, without: without).finish()
    #expect(visit.status == .code(0), "\(visit.events)")
    #expect(visit.output == "Read-only file system\n[42,\"e3b0c442\"]\n")
  }

  @Test func `without Landlock and namespaces no script runs`() throws {
    let place = try Scratch()
    let script = try place.file("script.py", mode: 0o644, "print(1)")
    let visit = try Guest(
      script, .python, without: SandboxLayers.allNamespaces.union(.landlock)
    ).finish()
    #expect(visit.failedStep == "layers" && visit.output == "")
  }

  @Test func `a denied call of a script is reported by its name`() throws {
    let place = try Scratch()
    let script = try place.file("script.py", mode: 0o644, "import os\nos.fork()\n")
    let visit = try Guest(script, .python).finish()
    #expect(visit.status == .signal(SIGKILL))
    #expect(visit.denial?.contains("which its sandbox denies") == true, "\(visit.events)")
  }
}
