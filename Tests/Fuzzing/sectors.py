"""The form of inputs that SectorFile.swift reads."""
import os
import struct


def squeeze(data, flags=0):
    """Pieces of sectors; a run of fewer than eight zeros is not worth a new piece."""
    out, sector, place = bytearray([flags]), 0, 0
    while place < len(data):
        if not data[place]:
            place += 1
            continue
        end = place
        # A piece ends with its sector: what is moved in one is not in another.
        limit = min(len(data), place // 512 * 512 + 512, place + 255)
        while end < limit and any(data[end:end + 8]):
            end += 1
        while place // 512 - sector > 255:
            out += struct.pack("<BHB", 255, 0, 0)
            sector += 255
        out += struct.pack("<BHB", place // 512 - sector, place % 512, end - place)
        out += data[place:end]
        sector, place = place // 512, end
    if len(data) % 512 == 0 and data and not any(data[-512:]):
        while len(data) // 512 - 1 - sector > 255:
            out += struct.pack("<BHB", 255, 0, 0)
            sector += 255
        out += struct.pack("<BHB", len(data) // 512 - 1 - sector, 0, 1) + b"\0"
    return bytes(out)


def write(directory, name, data):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, name), "wb") as file:
        file.write(data)
