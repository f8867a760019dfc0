// WriterKit
