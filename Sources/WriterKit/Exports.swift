// A plugin says `import WriterKit` and has the words of the wire: Job, StreamDescription,
// Digest, ErrorCode, JSONValue, MachineDescription, SHA256.
@_exported public import BackupProtocol
@_exported public import Hashing
@_exported public import JSON
@_exported public import Machine
