/// What is known of the attacks of `attack-plugin`, each with its reason. An attack that is not in
/// a table must succeed without layers and must be stopped with them.
enum AttackTable {
  /// Stopped before any sandbox, on every kernel: by how the pool is made.
  static let stoppedByDesign = [
    "map-pool-writable": "the plugin's descriptor of the pool is read-only",
    "make-pool-writable": "the plugin's descriptor of the pool is read-only",
    "shrink-pool": "the pool is sealed against shrinking",
  ]

  /// What gets through with every layer, whichever user the host is.
  static let survivors = [
    "many-files":
      "a writer of directories makes files; how many is bounded by the file system's quota only",
    "make-pipe-packets":
      "O_DIRECT may be set; on its own pipe it garbles only its own frames",
  ]

  /// What gets through besides, by profile.
  static func survivors(of profile: String, isRoot: Bool) -> [String: String] {
    var known = survivors
    switch profile {
    case "dynamic":
      known["map-pool-as-code"] = "the linker maps files as code, and the filter sees no names"
    case "static-without-namespaces":
      known["learn-host-name"] = "uname(2) tells it; nothing hangs on it"
      if !isRoot {
        known["climb-by-stat"] =
          "Landlock does not rule over stat(2), and only root can re-root a directory without one"
      }
    case "commands", "commands-without-landlock":
      known.merge(ofCommands) { $1 }
      if profile == "commands-without-landlock" {
        known["list-root"] = "its root is its own, and holds what it is shown"
      }
    default: break
    }
    return known
  }

  /// What a program may besides that a shell script starts.
  private static let ofCommands = [
    "make-process": "that is the point of the profile; they end with the plugin, and are limited",
    "make-process-by-vfork": "as above: it is how shells start programs",
    "make-pipe": "a shell connects programs by pipes",
    "map-pool-as-code": "the linker maps files as code, and the filter sees no names",
  ]

  /// The same of scripts.
  static func survivors(ofScriptUnder profile: String) -> [String: String] {
    var known = ["map-pool-as-code": "interpreters map files as code, as linkers do"]
    if profile == "script-without-namespaces" {
      known["learn-host-name"] = "uname(2) tells it; nothing hangs on it"
    }
    return known
  }
}
