// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

import WriterKit

/// The example plugin in Swift: writes, reads and verifies Reel archives (../../../FORMAT.md).
@main struct Main {
  static func main() {
    Plugin(
      manifest: PackageResources.reel_json, formats: ["reel": (Writer.self, Reader.self)]
    ).run()
  }
}
