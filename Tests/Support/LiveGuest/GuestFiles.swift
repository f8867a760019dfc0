internal import Glibc
import CommandLine
import System

/// What the test guest is booted from, made once for all test programs of a build.
package enum GuestFiles {
  /// Where kernel, initial file system and fault shim are.
  package static let directory = Build.directory + "/../../guest"
  package static var faultShim: String { directory + "/fault-shim.so" }

  static var canBeMade: Bool {
    ["gcc", "cpio", "apt-get", "dpkg"].allSatisfy(Build.has)
  }

  /// Makes what is not there yet: a few seconds, the first time.
  package static func make() async throws {
    let script = Build.directory + "/../../../Tests/Support/guest/build-guest"
    let finding = try await Program(["/bin/bash", script, directory]).finding(within: 180)
    guard finding.status == 0 else {
      throw GuestFailure(what: "build-guest", log: finding.errors)
    }
  }
}

/// The guest did not do what a test needs.
package struct GuestFailure: Error, CustomStringConvertible {
  package let what: String
  /// What the guest and QEMU said.
  package let log: String
  package var description: String { "\(what)\n\(log)" }

  package init(what: String, log: String) {
    self.what = what
    self.log = log
  }
}

func environmentVariable(_ name: String) -> String? {
  getenv(name).map { String(cString: $0) }
}
