"""What stands before the pixels of a JPEG file, read in a few microseconds."""

from __future__ import annotations

import contextlib
import struct
from dataclasses import dataclass

START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
EXIF_MARKER, START_OF_SCAN, FILL = 0xE1, 0xDA, 0xFF
EXIF_START = b"Exif\0\0"
ORIENTATION_TAG, SHORT = 0x0112, 3


@dataclass(frozen=True)
class JpegHeader:
    """The kind of a JPEG picture."""

    height: int
    width: int
    channels: int  # 1 gray, 3 colour, 4 CMYK
    bits: int  # per channel
    orientation: int  # EXIF, 1 is upright


def jpeg_header(data: memoryview) -> JpegHeader | None:
    """The header of a JPEG file in memory; None where it is another file or a broken one."""
    if data[:3] != b"\xff\xd8\xff":
        return None
    position, orientation = 2, 1
    frame: tuple[int, int, int, int] | None = None
    with contextlib.suppress(struct.error):
        while True:
            start, marker, size = struct.unpack_from(">BBH", data, position)
            if start != 0xFF:
                return None
            if marker == FILL:
                position += 1
                continue
            if marker == START_OF_SCAN:
                break
            if marker in START_OF_FRAME:
                frame = struct.unpack_from(">BHHB", data, position + 4)
            if marker == EXIF_MARKER and data[position + 4 : position + 10] == EXIF_START:
                orientation = exif_orientation(data[position + 4 : position + 2 + size])
            position += 2 + size
    if frame is None:
        return None
    bits, height, width, channels = frame
    return JpegHeader(height, width, channels, bits, orientation)


def exif_orientation(exif: bytes | memoryview) -> int:
    """The orientation, 1..8, of an EXIF block; 1, upright, where it has none or is broken."""
    if exif[:6] == EXIF_START:
        exif = exif[6:]
    order = {b"II": "<", b"MM": ">"}.get(bytes(exif[:2]))
    if order is None:
        return 1
    with contextlib.suppress(struct.error):
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for entry in range(count):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, start + 2 + 12 * entry)
            if (tag, kind) == (ORIENTATION_TAG, SHORT):
                return value if 1 <= value <= 8 else 1
    return 1
