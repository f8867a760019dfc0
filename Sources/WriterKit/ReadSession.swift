final class ReadSession {
  init(_ context: Context, _ type: any ArchiveReader.Type) throws(Ending) {}
  func run() throws(Ending) {}
}
