"""The register of all vectors, and the form of their files."""

from .wire import PREAMBLE, encode, frame_lines, hex_lines

VECTORS = {}


def vector(name, covers, direction, comment, frames, expect="ok", first=0, canonical=True,
           preamble=PREAMBLE, cut=None, tail=b"", whole=None):
    """Registers a vector. `cut` drops bytes at the end, `tail` adds some, `whole` counts frames."""
    frames = frames if isinstance(frames, list) else [frames]
    if whole is None:
        whole = len(frames)
    if expect == "E_LIMIT":  # decided by the header alone: the payload need not be there
        for frame in frames:
            frame.length = len(frame.payload) if frame.length is None else frame.length
        frames[-1].payload = b""
    body = encode(frames, first, preamble)[:cut] + tail
    head = [f"expect: {expect}", f"clause: §{covers.split('-')[0]}", f"covers: {covers}",
            f"direction: {direction}"]
    if expect in ("ok", "incomplete"):
        head.append(f"frames: {whole}")
    if first:
        head.append(f"first-seq: {first}")
    if not canonical:
        head.append("canonical: no")
    head.append(f"comment: {comment}")
    if cut is None and not tail:
        lines = hex_lines(preamble)
        for number, frame in enumerate(frames):
            lines += frame_lines(frame, (first + number) & 0xFFFFFFFF)
    else:
        lines = hex_lines(body)
    assert name not in VECTORS, name
    VECTORS[name] = ("\n".join(head) + "\n\n" + "\n".join(lines) + "\n", body)


def bad(name, covers, direction, comment, frames, expect="E_PROTOCOL", **more):
    vector(name, covers, direction, comment, frames, expect, **more)
