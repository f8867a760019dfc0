import CommandLine
import Testing

/// An index that no reader would take is not written either: the archive would be lost.
@Suite(.inTurns) struct `The index of an archive that is one file` {
  private static let sdk = Build.directory + "/../../../Plugins/sdk"
  private let place: Scratch

  init() throws { place = try Scratch() }

  @Test func `has at most 4 MiB in Python`() async throws {
    let said = try await place.shell(
      """
      cat >try.py <<'END'
      import sys
      sys.path.insert(0, '\(Self.sdk)/python')
      import sluice
      for count in (4 << 20, (4 << 20) + 1):
          with open("archive", "wb") as file:
              archive = sluice.ArchiveFile(sluice.Output(file.fileno(), "file"))
              archive.write_all(b"magic")
              try:
                  archive.write_index(b"x" * count, b"magic")
                  print("written")
              except sluice.PluginError as error:
                  print(error.code == sluice.E_TOO_LARGE, archive.place)
      END
      python3 -B try.py
      """)
    #expect(said == "written\nTrue 5\n")
  }

  @Test func `has at most 4 MiB in C`() async throws {
    let said = try await place.shell(
      """
      cat >try.c <<'END'
      #include "sluice.h"
      #include <fcntl.h>
      #include <stdio.h>
      int main(void) {
        static char text[(4 << 20) + 1];
        sluice_output output = {open("archive", O_RDWR | O_CREAT, 0600), "file"};
        sluice_file file = sluice_file_of(output);
        int refused = sluice_file_write_index(&file, text, sizeof text, "magic");
        unsigned long long place = file.place;
        int written = sluice_file_write_index(&file, text, sizeof text - 1, "magic");
        printf("%d %llu %d\\n", refused, place, written);
      }
      END
      cc -std=gnu11 -I '\(Self.sdk)/c' -o try try.c '\(Self.sdk)/c/sluice.c' && ./try
      """)
    #expect(said == "-1 0 0\n")
  }
}
