internal import CLinux
internal import Glibc
internal import System

/// Where plugins and helpers of this installation lie; found from the executable, never by PATH.
///
/// Installed: `bin/sluice`, `libexec/sluice/sluice-launcher`, `libexec/sluice/writers/`,
/// `share/sluice/plugins/NAME.json`, `share/sluice/sdk`; other packages put their plugins there,
/// too, or where ``shared`` says. In a build tree everything lies beside the executable, the
/// manifests in `Plugins/NAME/NAME.json` of the source, and the SDKs in `Plugins/sdk`.
package struct PluginPlaces: Sendable {
  package let launcher: String
  package let places: [PluginPlace]
  /// The directory of the SDKs and of the templates of new plugins.
  package let kit: String

  /// Where packages put their plugins, wherever Sluice is.
  package static let shared = [
    "/usr/local/share/sluice/plugins", "/usr/share/sluice/plugins",
  ]

  /// - Parameters:
  ///   - executable: Absolute path of the running program.
  ///   - extra: Directories and manifests of `--plugin-path`, searched first.
  ///   - environment: Value of `SLUICE_PLUGIN_PATH`, colon-separated; not heeded for root, whose
  ///     plugins must not be chosen by whoever set the environment.
  package init(executable: String, extra: [String], environment: String?) {
    let directory = splitPath(executable).directory
    var named = extra
    if let environment, geteuid() != 0 {
      named += environment.split(separator: ":").map(String.init)
    }
    // Each was named before the next.
    var places = named.enumerated().map { PluginPlace(named: $1, rank: $0) }
    let installed = directory + "/../libexec/sluice/sluice-launcher"
    // That it is there decides, not that it can be run: what is mounted noexec is installed too.
    if unsafe clinux_access(installed, F_OK) == 0 {
      launcher = installed
      kit = directory + "/../share/sluice/sdk"
      places += Self.installed(besides: directory, rank: named.count)
    } else {
      launcher = directory + "/sluice-launcher"
      // .build/TRIPLE/CONFIGURATION/sluice
      let source = directory + "/../../../Plugins"
      kit = source + "/sdk"
      places.append(
        PluginPlace(directory: source, executableDirectory: directory, rank: named.count))
    }
    self.places = places
  }

  /// That of this installation, and those of packages. A format that two of them have was chosen by
  /// nobody, so they have one rank; but this installation's copy of a plugin comes first.
  private static func installed(besides directory: String, rank: Int) -> [PluginPlace] {
    let own = directory + "/../share/sluice/plugins"
    let real = (try? realPath(own)) ?? own
    return ([real] + shared.filter { $0 != real }).map { PluginPlace(directory: $0, rank: rank) }
  }
}
