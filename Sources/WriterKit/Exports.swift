// A plugin says `import WriterKit` and has the words of the wire: Job, StreamDescription,
// Digest, ErrorCode, JSONValue.
@_exported public import BackupProtocol
@_exported public import JSON
