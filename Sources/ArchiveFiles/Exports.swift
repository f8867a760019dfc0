// ArchiveFiles throws and reads what ArchiveBytes declares.
@_exported public import ArchiveBytes
