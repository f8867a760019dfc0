internal import System

/// The command line of qemu-storage-daemon for a set of images.
struct DaemonPlan {
  /// Sockets follow standard input, output and error: the NBD server's first.
  private static let firstSocket = 3
  /// How the only export of a daemon names its socket.
  static let firstAddress = "addr.type=fd,addr.str=\(firstSocket)"

  /// A sandboxed process inherits descriptors up to 15. Images beyond get their data by NBD.
  static let vhostExportsMax = 12

  let arguments: [String]

  /// - Parameters:
  ///   - bitmaps: Of each image, the name of a dirty bitmap in it that is shown.
  ///   - vhostExports: How many images, from the first, get a vhost-user-blk export.
  init(images: [InspectedImage], bitmaps: [String?], vhostExports: Int) {
    var blockdevs: [String] = []
    var exports: [String] = []
    for (index, image) in images.enumerated() {
      let graph = BlockGraph(image.chain, prefix: "i\(index)")
      blockdevs += graph.arguments
      exports += ["--export", Self.nbdExport(index, graph.topNode, bitmaps[index])]
      if index < vhostExports {
        exports += ["--export", Self.vhostExport(index, node: graph.topNode)]
      }
    }
    let server = "addr.type=fd,addr.str=\(Self.firstSocket),max-connections=0"
    arguments = blockdevs + ["--nbd-server", server] + exports
  }

  /// Spools of one daemon: each takes two descriptors beside the NBD server's.
  static let spoolsMax = 6

  /// The number of a spool's descriptor in a daemon that serves so many: behind all sockets.
  static func spoolDescriptor(_ index: Int, of count: Int) -> Int32 {
    Int32(firstSocket + 1 + count + index)
  }

  /// Name of an image's export on the NBD server.
  static func exportName(_ index: Int) -> String { "disk\(index)" }

  /// Where the daemon finds the sockets, as `descriptors` of a process.
  static func descriptors(_ sockets: [PrivateSocket]) -> [(source: Int32, target: Int32)] {
    sockets.enumerated().map { ($1.listeningDescriptor, Int32(firstSocket + $0)) }
  }

  private static func nbdExport(_ index: Int, _ node: String, _ bitmap: String?) -> String {
    "type=nbd,id=n\(index),node-name=\(node),name=\(exportName(index)),writable=off,"
      + "allocation-depth=on" + (bitmap.map { ",bitmaps.0=\($0)" } ?? "")
  }

  private static func vhostExport(_ index: Int, node: String) -> String {
    "type=vhost-user-blk,id=v\(index),node-name=\(node),writable=off,num-queues=1,"
      + "addr.type=fd,addr.str=\(firstSocket + 1 + index)"
  }
}
