// A plugin says `import WriterKit` and has the words of the wire: Job, StreamDescription,
// Digest, ErrorCode, JSONValue, SHA256.
@_exported public import BackupProtocol
@_exported public import Hashing
@_exported public import JSON
