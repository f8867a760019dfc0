internal import BackupProtocol
internal import JobSupport
internal import PluginHost
internal import Sandbox
internal import System

/// Where one archive of a job goes while a plugin writes it, and how it becomes what was asked for.
///
/// Released without ``publish(_:of:receipt:)``, it removes what it created, where that is possible.
protocol ArchivePlace: AnyObject {
  /// Whose rights the plugin has.
  var identity: SandboxIdentity { get }

  /// Why the plugin must not go on in a sandbox of these layers; `nil` if it may.
  func refusal(_ layers: SandboxLayers) -> String?

  /// Descriptor 6 of the plugin.
  func descriptorForPlugin() throws(SystemCallError) -> OwnedDescriptor

  /// Bytes stored so far, to see whether a silent plugin still works.
  func storedBytes() -> Int64

  /// Why the plugin failed, with what this place knows about it.
  func explained(_ failure: PluginFailure) -> JobError

  /// The plugin has ended well: gives the archive to whom it is for.
  ///
  /// - Parameter sent: What the streams held that the archive must show.
  /// - Throws: `JobError`; then nothing of this output is left that could be taken back.
  func publish(_ finished: Finished, of sent: SentBytes, receipt: Receipt) throws(JobError)
}
