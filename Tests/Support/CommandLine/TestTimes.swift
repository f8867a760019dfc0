internal import Glibc
internal import Testing

/// How long each case had its turn: what the runner tells includes the wait for it.
enum TestTimes {
  /// Where lines go: SLUICE_TEST_TIMES names a file.
  private static let file: Int32 =
    getenv("SLUICE_TEST_TIMES").map {
      open($0, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    } ?? -1

  /// Adds a line: seconds, the file of the test, its name.
  static func add(_ seconds: Double, _ test: Test) {
    guard file >= 0 else { return }
    let tenths = Int(seconds * 10)
    let line = "\(tenths / 10).\(tenths % 10)\t\(test.sourceLocation.fileID)\t\(test.name)\n"
    _ = Array(line.utf8).withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
  }
}
