internal import Glibc
package import System

/// A language whose plugins are scripts, run by an interpreter of the distribution: data.
///
/// There is none that makes machine code at run time: no profile allows memory to become code.
package struct InterpreterProfile: Sendable, Equatable {
  /// As the manifest has it.
  package let name: String
  /// The interpreter: this path, or this path with a version behind it, links followed.
  package let program: String
  /// What ``program`` may lead to, where that differs from system to system.
  let targets: [String]
  /// The package of Debian and its relatives that brings it.
  package let package: String
  /// What stands between the interpreter and the path of the script.
  package let arguments: [String]
  /// What its sandbox shows beside the folder of the script and channel 6.
  package let places: [VisiblePlace]
  /// Directories below, in which it looks for modules; a star is any part of a name.
  let modules: [String]

  init(
    name: String, program: String, targets: [String]? = nil, package: String, arguments: [String],
    places: [VisiblePlace], modules: [String]
  ) {
    self.name = name
    self.program = program
    self.targets = targets ?? [program]
    self.package = package
    self.arguments = arguments
    self.places = places
    self.modules = modules
  }

  /// Neither the environment (`-E`) nor packages of a user (`-s`) decide what runs, and nothing is
  /// cached beside the script (`-B`).
  package static let python = InterpreterProfile(
    name: "python", program: "/usr/bin/python3", package: "python3", arguments: ["-E", "-s", "-B"],
    places: VisiblePlace.distribution,
    modules: ["", "/lib-dynload", "/dist-packages"].map { "/usr/lib/python3*" + $0 })

  /// What a site has set up to run before every script is left out (`-f`).
  package static let perl = InterpreterProfile(
    name: "perl", program: "/usr/bin/perl", package: "perl", arguments: ["-f"],
    places: VisiblePlace.distribution + [
      VisiblePlace(
        path: "/usr/share/perl", rights: .read, reason: "modules that come with the interpreter"),
      VisiblePlace(
        path: "/usr/share/perl5", rights: .read, reason: "modules of the distribution's packages"),
    ],
    modules: ["/usr/share/perl/*"]
      + ["perl", "perl/*", "perl5", "perl5/*", "perl-base"].map { "/usr/lib/*/" + $0 })

  /// Those whose script is a plugin by itself. For ``shell`` another program speaks.
  package static let all = [python, perl]

  /// A shell, and the programs that the manifest lists.
  package static let shell = InterpreterProfile(
    name: "commands", program: "/usr/bin/sh", targets: ["/usr/bin/dash", "/usr/bin/bash"],
    package: "dash", arguments: [], places: VisiblePlace.ofCommands, modules: [])

  /// Whether this is an interpreter that the profile runs.
  ///
  /// - Parameter path: Absolute, without symbolic links.
  func runs(_ path: String) -> Bool {
    targets.contains { target in
      path.hasPrefix(target)
        && path.dropFirst(target.count).allSatisfy { $0 == "." || $0.isNumber && $0.isASCII }
    }
  }

  /// Those of ``modules`` that there are.
  var moduleDirectories: [String] { modules.flatMap(existing) }

  /// Opens the interpreter that a manifest names, for execution.
  ///
  /// Its libraries are looked at, too: they are code that runs in it.
  ///
  /// - Throws: `.interpreter` if it is missing or not one of this profile; `.untrusted` naming what
  ///   others than root could change.
  package func open(_ path: String) throws(SandboxError) -> OwnedDescriptor {
    guard let real = try? realPath(path) else {
      throw .interpreter(path, .missing(package: package))
    }
    guard runs(real) else {
      throw .interpreter(path, .unknown(profile: name, expected: program))
    }
    // A device is everybody's.
    let shown = places.filter { !$0.rights.contains(.device) }.map(\.path)
    for path in shown + moduleDirectories { try requireRoots(path) }
    return try openTrustedExecutable(real)
  }
}

/// Paths that match a pattern of glob(7).
private func existing(_ pattern: String) -> [String] {
  var found = unsafe glob_t()
  defer { unsafe globfree(&found) }
  guard unsafe glob(pattern, GLOB_NOSORT, nil, &found) == 0 else { return [] }
  return unsafe (0..<Int(found.gl_pathc)).compactMap { index in
    unsafe found.gl_pathv[index].map { unsafe String(cString: $0) }
  }
}

extension InterpreterProfile {
  /// What to write into the manifest of a script, by its line `#!…`.
  static func advice(for line: String) -> String {
    let words = line.dropFirst(2).split(separator: " ")
    let name = words.first { !$0.hasPrefix("-") && !$0.hasSuffix("/env") } ?? ""
    let program = name.split(separator: "/").last ?? ""
    let shells: Set<Substring> = ["sh", "dash", "bash"]
    let known = shells.contains(program) ? shell : all.first { program.hasPrefix($0.name) }
    guard let profile = known else {
      return "of its language there is no profile (protocol.md §2.5)"
    }
    return "write \"profile\": \"\(profile.name)\", \"interpreter\": \"\(profile.program)\" into "
      + "its manifest"
  }
}
