internal import System

/// The SDKs of this installation, and the templates of new plugins: a folder `new/LANGUAGE` for
/// each language there is, and `new/common` with the files that all of them have.
package struct PluginKit: Sendable {
  package let directory: String

  /// - Parameter directory: As ``PluginPlaces/kit`` has it.
  package init(_ directory: String) { self.directory = directory }

  /// Languages a plugin can begin in, sorted: folders that describe themselves.
  package var languages: [String] {
    let names = (try? listDirectory(directory + "/new")) ?? []
    return names.filter { name in
      let status = try? FileStatus(path: "\(directory)/new/\(name)/\(PluginTemplate.aboutName)")
      return status?.kind == .regular
    }
  }

  /// The template of a language, read whole: a plugin is made of it or nothing is.
  ///
  /// - Throws: `.noTemplates` or `.unknownLanguage`; `.template` if it cannot be used.
  package func template(_ language: String) throws(NewPluginError) -> PluginTemplate {
    let languages = languages
    guard !languages.isEmpty else { throw .noTemplates(directory: directory) }
    guard languages.contains(language) else {
      throw .unknownLanguage(language, known: languages)
    }
    return try PluginTemplate(language, in: self)
  }
}
