internal import ArgumentParser
internal import Conformance
internal import JobSupport
internal import PluginHost
internal import Sandbox
internal import System

/// What would let every trial fail, and is no fault of the plugin.
struct TrialSurroundings: Sendable {
  private let directory: String
  private let mode: SandboxMode?
  private let launcher: String

  init(_ trial: TrialOptions, _ common: CommonOptions) {
    directory = trial.scratchDirectory
    mode = trial.sandbox.mode
    launcher = common.places().launcher
  }

  /// To be called where signals are taken already: it makes a directory for a moment.
  func check(_ printer: EventPrinter) throws(JobError) {
    do throws(SystemCallError) { try ConformanceCheck.checkDirectory(directory) } catch {
      throw JobError(error, cannot: "make archives in \(directory)")
    }
    guard let mode else { return }
    let features: KernelFeatures
    do throws(SandboxError) { features = try KernelFeatures.probe(launcher: launcher) } catch {
      throw JobError(.unavailable, "the sandbox cannot be tested: \(error)")
    }
    if let reason = features.failure {
      let text = "the sandbox does not work: \(reason.step): \(errnoText(reason.code))"
      throw JobError(.unavailable, text)
    }
    guard !features.missing.isEmpty else { return }
    let missing = features.missing.joined(separator: ", ")
    if mode == .strict {
      throw JobError(.unavailable, "the sandbox lacks layers: \(missing)")
    }
    printer.show(
      .warning("the sandbox runs without layers that this host does not offer: \(missing)"))
  }
}

extension EventPrinter {
  /// Shows why nothing was tried; what is to be thrown.
  func failure(_ error: JobError) -> ExitCode {
    fail(error)
    return ExitCode(error.status.rawValue)
  }
}
