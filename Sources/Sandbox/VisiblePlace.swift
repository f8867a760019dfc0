/// A place of the file system that a profile shows to its plugins, and why.
package struct VisiblePlace: Sendable, Equatable {
  package let path: String
  package let rights: PathRights
  /// Never empty.
  package let reason: String

  /// A distribution has some of the places: one that is missing is left out.
  var rule: PathRule { .path(path, rights, isOptional: true) }

  /// Where distributions keep shared libraries, and interpreters their modules. Not `/usr/local`,
  /// and nothing of a user's: what is there is not of the distribution.
  static let distribution: [VisiblePlace] =
    ["/lib", "/lib64", "/usr/lib", "/usr/lib64"].map {
      VisiblePlace(
        path: $0, rights: [.read, .execute],
        reason: "the dynamic linker, shared libraries, and modules of interpreters")
    } + [
      VisiblePlace(
        path: "/etc/ld.so.cache", rights: .read, reason: "tells the linker where libraries are")
    ]

  /// What programs find that a plugin starts. Libraries are mapped, and are no programs to start;
  /// the linker is started by the kernel, and so may be executed.
  static let ofCommands: [VisiblePlace] =
    distribution.map { place in
      VisiblePlace(
        path: place.path,
        rights: place.rights.contains(.execute) ? [.read, .map] : place.rights,
        reason: place.reason)
    }
    + ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"].map {
      VisiblePlace(
        path: $0, rights: [.read, .execute], reason: "the kernel starts programs through it")
    } + [
      VisiblePlace(
        path: "/dev/null", rights: [.read, .write, .device], reason: "scripts leave things unsaid")
    ]

  /// Where the dynamic linker looks for the libraries of a program.
  static let libraries: [VisiblePlace] =
    distribution + [
      VisiblePlace(
        path: "/usr/local/lib", rights: [.read, .execute],
        reason: "libraries that did not come with the distribution")
    ]
}
