#!/usr/bin/env python3
"""Writes the test vectors of protocol.md §21 and the hex listings inside protocol.md.

An encoder of its own, from the document alone: it shares nothing with the Swift codec, so what
both agree on is what the document says. Needs nothing but the standard library.

  make-vectors.py            writes Tests/Vectors/v1/ and the listings
  make-vectors.py --check    writes nothing; exits 1 if something would change
  make-vectors.py --corpus DIR   writes every vector as raw bytes, for a fuzzer
"""

import json
import re
import sys
from pathlib import Path

from encoder import control, framing, streams
from encoder.bodies import MANIFEST_SEED, RECEIPT_SEED
from encoder.listings import listings
from encoder.vector import VECTORS

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parent.parent / "protocol.md"


def document():
    text = DOCUMENT.read_text()
    for label, lines in listings().items():
        pattern = re.compile(rf"(^```{label}\n).*?(^```$)", re.M | re.S)
        assert len(pattern.findall(text)) == 1, label
        text = pattern.sub(lambda match: match[1] + "\n".join(lines) + "\n" + match[2], text)
    return text


def outputs():
    for build in (framing.framing_vectors, framing.unknown_vectors, control.json_vectors,
                  control.job_vectors, control.parent_vectors, control.machine_vectors,
                  control.ending_vectors, streams.data_vectors,
                  streams.flow_vectors):
        build()
    files = {HERE / "v1" / name: text for name, (text, _) in VECTORS.items()}
    files[DOCUMENT] = document()
    return files


def main(arguments):
    files = outputs()
    if arguments[:1] == ["--corpus"]:
        folder = Path(arguments[1])
        folder.mkdir(parents=True, exist_ok=True)
        for name, (_, body) in VECTORS.items():
            (folder / name).write_bytes(body)
        # The fuzzer's entry takes what begins with a brace for a manifest and a receipt.
        for name, seed in (("manifest", MANIFEST_SEED), ("receipt", RECEIPT_SEED)):
            (folder / name).write_bytes(json.dumps(seed).encode())
        return 0
    stale = [path for path in (HERE / "v1").glob("*") if path not in files]
    stale += [path for path, text in files.items() if not path.exists() or path.read_text() != text]
    if arguments == ["--check"]:
        for path in stale:
            print(f"out of date: {path.relative_to(HERE.parent.parent)}", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        if path in files:
            path.write_text(files[path])
        else:
            path.unlink()
    print(f"{len(VECTORS)} vectors, {len(stale)} files written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
