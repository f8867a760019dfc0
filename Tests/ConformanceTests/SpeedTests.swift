import Testing
@testable import Conformance

/// What is made of the seconds of a bench.
@Suite struct `The figures of a bench` {
  private func sample(
    _ wall: Double, plugin: Double = 0, host: Double = 0, waited: Double = 0
  ) -> SpeedSample {
    SpeedSample(
      wallSeconds: wall, pluginSeconds: plugin, hostSeconds: host, waitedSeconds: waited)
  }

  private static let medians: [([Double], Double)] = [
    ([2], 2), ([1, 3], 2), ([9, 1, 2], 2), ([4, 1, 3, 2], 2.5), ([1, 1, 1, 1, 100], 1),
  ]

  @Test(arguments: medians)
  func `are the median of the rounds`(_ seconds: [Double], median: Double) {
    let figures = SpeedFigures(
      seconds.map { sample($0, plugin: $0 / 2) }, byteCount: 4 << 30)
    #expect(figures.bytesPerSecond == Double(4 << 30) / median)
    #expect(figures.cpuSecondsPerGiB == median / 8)
  }

  @Test func `name what most of the time went to`() {
    let cases: [(SpeedSample, SpeedLimit)] = [
      (sample(10, plugin: 9, host: 2, waited: 9), .plugin),
      (sample(10, plugin: 3, host: 1, waited: 9), .disk),
      (sample(10, plugin: 4, host: 8, waited: 2), .host),
      // On several processors.
      (sample(10, plugin: 38, host: 9, waited: 1), .plugin),
      // Both share one processor: the plugin works while we wait.
      (sample(10, plugin: 6, host: 4, waited: 6), .plugin),
      (sample(10, plugin: 0.5, host: 0.5, waited: 9.5), .disk),
      (sample(0), .plugin),
    ]
    for (sample, limit) in cases { #expect(SpeedLimit([sample]) == limit, "\(sample)") }
  }
}
