import RawFormat
import WriterKit

/// What a tar archive cannot hold is refused before anything is read.
func checkTarJob(_ job: Job) throws(PluginError) {
  for stream in job.streams {
    guard stream.size != nil else {
      throw PluginError(
        .unsupported, "tar needs the size of \"\(stream.name)\" in advance")
    }
  }
  try Layout.raw.check(job.streams)
}
