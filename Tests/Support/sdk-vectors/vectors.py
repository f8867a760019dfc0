"""Decodes byte strings with the SDK's decoder: one line for each, as the vectors' `expect` has it.

  vectors.py SDK FILE:FIRST-SEQ …
"""

import ctypes
import os
import sys

sys.path.insert(0, sys.argv[1])
import sluice


class Misplaced(Exception):
    """Inline bytes do not begin on a page."""


class NotForPlugin(Exception):
    """A frame that no host sends: a plugin needs no decoder for it."""


def parse_data(payload):
    _, _, slot, _, _, place = sluice.parse_data(payload)
    address = ctypes.addressof(ctypes.c_char.from_buffer(payload))
    if slot is None and (address + place) % 4096:
        raise Misplaced


def decode(frame):
    name, _, _, _, from_host = sluice.FRAMES[frame.type]
    if not from_host:
        raise NotForPlugin
    if frame.type in (sluice.HELLO, sluice.JOB):
        members = sluice.control(name, frame.payload)
        if frame.type == sluice.JOB:
            sluice.Job(members)
    parsers = {
        sluice.DATA: parse_data, sluice.ZERO: sluice.parse_zero,
        sluice.CLOSE: sluice.parse_close, sluice.READ: sluice.parse_read,
        sluice.RELEASE: sluice.parse_release, sluice.EXTENTS: sluice.parse_extents,
        sluice.OPEN: sluice.parse_json, sluice.FINISH: sluice.parse_json,
    }
    if frame.type in parsers:
        parsers[frame.type](frame.payload)


def verdict(path, first):
    null = os.open(os.devnull, os.O_WRONLY)
    channel = sluice.Channel(os.open(path, os.O_RDONLY), null)
    channel.expected, channel.is_greeted = first, True
    try:
        while True:
            decode(channel.next())
    except sluice.HostGone:
        count = channel.expected - first & 0xFFFFFFFF
        whole = channel.start == channel.end and channel.has_preamble
        return f"{'ok' if whole else 'incomplete'} {count}"
    except sluice.Aborted:
        return f"ok {channel.expected - first & 0xFFFFFFFF}"
    except Misplaced:
        return "misplaced"
    except NotForPlugin:
        return "not-for-a-plugin"
    except sluice.PluginError as error:
        return sluice.ERROR_NAMES[error.code]


for argument in sys.argv[2:]:
    path, first = argument.rsplit(":", 1)
    print(os.path.basename(path), verdict(path, int(first)), flush=True)
