import TarFormat
import WriterKit

extension TarWalk {
  /// Judges the end mark, which the walk has reached: two blocks of zeros.
  ///
  /// Some programs write one only, and nothing can be missing before it, so that it is merely odd;
  /// we write two, so that one of ours was cut off there.
  func checkEnd(isOurs: Bool, _ host: Host) throws(PluginError) {
    guard hasShortEnd else { return }
    guard !isOurs else {
      throw PluginError(
        .corrupt, "the archive is cut off: it ends with one block of zeros instead of two")
    }
    host.log(.warning, "the archive ends with one block of zeros instead of two")
  }
}
