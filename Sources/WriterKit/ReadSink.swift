/// Takes what a reader reads; see next commit.
public final class ReadSink {}
