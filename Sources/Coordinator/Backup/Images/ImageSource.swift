internal import BackupProtocol
internal import BlockSource
package import JobSupport
internal import PluginHost
internal import Requests
internal import Sandbox
internal import System

/// Image files and devices that no machine has open.
package struct ImageSource: JobSource {
  package init() {}

  package func open(_ order: JobOrder) async throws(JobError) -> OpenImages {
    try await blocking(named: "sluice-images") { () throws(JobError) in
      OpenImages(order, try Self.images(order.request, order.surroundings))
    }
  }

  /// The requested images, each inspected in a sandbox.
  static func images(
    _ request: BackupRequest, _ surroundings: Surroundings
  ) throws(JobError) -> [InspectedImage] {
    var images: [InspectedImage] = []
    for image in request.images {
      guard StreamDescription.isAcceptable(name: image.name), isPlain(image.name) else {
        throw JobError(
          .usage, "invalid disk name \"\(image.name)\"",
          hint: "1 to 255 bytes, no slash, no control or invisible characters, no leading dot")
      }
      let wanted = ImageRequest(
        name: image.name, path: image.path, format: image.format,
        allowBacking: request.allowBacking)
      do {
        images.append(
          try ImageInspector.inspect(
            wanted, launcher: surroundings.launcher, mode: surroundings.sandbox))
      } catch {
        throw JobError(error, cannot: "open disk \(image.name)")
      }
    }
    try judge(images, request, surroundings)
    return images
  }

  /// Warns of oddities of images before anything is read; `--strict` refuses them.
  private static func judge(
    _ images: [InspectedImage], _ request: BackupRequest, _ surroundings: Surroundings
  ) throws(JobError) {
    for image in images {
      for warning in image.warnings {
        guard !request.isStrict else {
          throw JobError(
            .badData, cannot: "open disk \(image.name)", "\(warning)",
            hint: .strictRefuses)
        }
        surroundings.events(.warning("disk \(image.name): \(warning)"))
      }
    }
  }
}

/// Images that were inspected; a QEMU of our own is started to read them.
package struct OpenImages: OpenSource {
  package let contents: SourceContents
  private let order: JobOrder
  private let images: [InspectedImage]

  init(_ order: JobOrder, _ images: [InspectedImage]) {
    self.order = order
    self.images = images
    contents = SourceContents(
      id: order.id, instant: makeTimestamp(), machine: order.files.identity(order.request),
      told: order.files.told,
      disks: zip(images, order.request.images).map { image, asked in
        BackupPlan.Disk(name: image.name, role: "disk", size: image.size, file: asked.path)
      }, configs: order.configs + order.files.configs)
  }

  package func streams(of plan: BackupPlan) throws(JobError) -> any SourceStreams {
    try ImageStreams(images, plan, order)
  }

  package func settle(_ outcome: JobOutcome) async throws(JobError) -> JobReport {
    try outcome.get()
  }
}
