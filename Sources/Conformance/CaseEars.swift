internal import BackupProtocol
internal import PluginHost
internal import System

/// Listens to one session of a case, for its transcript.
struct CaseEars: ~Copyable {
  /// Hears what becomes of the process.
  let process: SessionEars?
  private var toPlugin: FrameTap?
  private var toHost: FrameTap?
  /// Of channels 1 and 2; empty if nobody wants to hear what the plugin says.
  private var voices: [SessionVoice] = []

  init(_ transcript: CaseTranscript, isFoundation: Bool) {
    let (name, listeners) = transcript.begin(isFoundation: isFoundation)
    process = SessionEars(listeners, plugin: name, pool: nil)
    toPlugin = process.map { FrameTap($0, .toPlugin) }
    toHost = process.map { FrameTap($0, .toHost) }
    if let lines = listeners.lines { voices = [0, 1].map { _ in SessionVoice(name, lines) } }
  }

  /// Bytes went to the plugin.
  mutating func hear(sent bytes: ArraySlice<UInt8>) {
    unsafe bytes.withUnsafeBytes { unsafe toPlugin?.pass($0) }
  }

  /// Bytes came from it.
  mutating func hear(received bytes: UnsafeRawBufferPointer) { unsafe toHost?.pass(bytes) }

  /// A frame came from it.
  mutating func hear(_ frame: Received) {
    guard !voices.isEmpty else { return }
    try? Bytes.parse(frame.payload) { payload throws(WireError) in
      switch frame.type {
      case .log:
        let log = try LogFrame(parsing: payload)
        if voices[0].admits(.now) { voices[0].say(log) }
      case .error: voices[0].say(try ErrorFrame(parsing: payload))
      default: break
      }
    }
  }

  /// Text came on channel 1 or 2.
  mutating func hear(_ text: ArraySlice<UInt8>, channel place: Int) {
    if place < voices.count { voices[place].say(text) }
  }

  /// Nothing more is heard.
  mutating func end() {
    for place in voices.indices { voices[place].end() }
  }
}
