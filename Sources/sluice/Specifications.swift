internal import ArgumentParser
internal import Requests

extension ExpressibleByArgument where Self: RequestWord {
  /// What has not the form of such a word, ArgumentParser refuses with its help.
  init?(argument: String) {
    do throws(RequestError) { try self.init(parsing: argument) } catch { return nil }
  }
}

extension Age: ExpressibleByArgument {}
extension BackupRequest.DigestChoice: ExpressibleByArgument {}
extension BackupRequest.Image: ExpressibleByArgument {}
extension BackupRequest.Option: ExpressibleByArgument {}
extension BackupRequest.SharedMemoryChoice: ExpressibleByArgument {}
extension BackupRequest.TransportChoice: ExpressibleByArgument {}
extension BitmapChoice: ExpressibleByArgument {}
extension ByteCount: ExpressibleByArgument {}
extension ByteOffset: ExpressibleByArgument {}
extension GuestRequest.Freeze: ExpressibleByArgument {}
extension GuestRequest.VMState: ExpressibleByArgument {}
extension IncrementRequest.Level: ExpressibleByArgument {}
extension IncrementRequest.Parent: ExpressibleByArgument {}
extension RestoreRequest.Disk: ExpressibleByArgument {}

extension RestoreRequest.Allocation: EnumerableFlag {
  static func help(for value: Self) -> ArgumentHelp? {
    switch value {
    case .sparse: "Leave blocks of zeros unallocated"
    case .preallocate: "Allocate all of a disk's space before writing its data"
    }
  }
}

/// An output whose name may be refused: with a hint, as a job's errors have it.
struct OutputArgument: ExpressibleByArgument {
  let output: Result<BackupRequest.Output, RequestError>

  init?(argument: String) {
    do throws(RequestError) { output = .success(try BackupRequest.Output(parsing: argument)) } catch
    {
      if case .malformed = error { return nil }
      output = .failure(error)
    }
  }
}

/// Runs `body`; a contradiction on the command line is shown with the command's usage.
func validating(_ body: () throws(RequestError) -> Void) throws {
  do throws(RequestError) { try body() } catch { throw ValidationError(error.words) }
}
