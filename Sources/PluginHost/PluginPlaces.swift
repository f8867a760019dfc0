internal import CLinux
internal import Glibc
internal import System

/// Where plugins and helpers of this installation lie; found from the executable, never by PATH.
///
/// Installed: `bin/sluice`, `libexec/sluice/sluice-launcher`, `libexec/sluice/writers/`,
/// `share/sluice/plugins/NAME.json`. In a build tree everything lies beside the executable and the
/// manifests in `Plugins/NAME/NAME.json` of the source.
package struct PluginPlaces: Sendable {
  package let launcher: String
  package let places: [PluginPlace]

  /// - Parameters:
  ///   - executable: Absolute path of the running program.
  ///   - extra: Directories of `--plugin-path`, searched first.
  ///   - environment: Value of `SLUICE_PLUGIN_PATH`, colon-separated; not heeded for root, whose
  ///     plugins must not be chosen by whoever set the environment.
  package init(executable: String, extra: [String], environment: String?) {
    let directory = splitPath(executable).directory
    // An executable is only trusted by an absolute path; a place that is not there holds none.
    var places = extra.map { PluginPlace(directory: (try? realPath($0)) ?? $0) }
    if let environment, geteuid() != 0 {
      places += environment.split(separator: ":").map { PluginPlace(directory: String($0)) }
    }
    let installed = directory + "/../libexec/sluice/sluice-launcher"
    // That it is there decides, not that it can be run: what is mounted noexec is installed too.
    if unsafe clinux_access(installed, F_OK) == 0 {
      launcher = installed
      places.append(PluginPlace(directory: directory + "/../share/sluice/plugins"))
    } else {
      launcher = directory + "/sluice-launcher"
      // .build/TRIPLE/CONFIGURATION/sluice
      let source = directory + "/../../../Plugins"
      places.append(PluginPlace(directory: source, executableDirectory: directory))
    }
    self.places = places
  }
}
