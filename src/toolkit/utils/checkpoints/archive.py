"""Zip archives whose members are views of the file where they are stored uncompressed."""

from __future__ import annotations

import struct
import zipfile
import zlib

import numpy as np

from toolkit.utils.checkpoints.source import Source

BEGINNINGS = (b"PK\x03\x04", b"PK\x05\x06")  # a member, or the end of an empty archive
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile raises on damaged archives, beside its own error.
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError),
    *(NotImplementedError, RuntimeError, OverflowError, ValueError),
)


class Archive:
    """The members of a zip archive by name."""

    def __init__(self, source: Source) -> None:
        self.source = source
        try:
            with zipfile.ZipFile(source.file) as archive:
                members = archive.infolist()
        except DAMAGED as error:
            raise source.error(f"its zip directory is missing or damaged ({error})") from error
        self._members = {member.filename: member for member in members}
        if len(self._members) < len(members):
            raise source.error("a member of the zip archive is there twice")

    @property
    def names(self) -> list[str]:
        """All members, in the order of the directory."""
        return list(self._members)

    def read(self, name: str) -> np.ndarray:
        """A member's bytes: a view where it is stored, a copy where it is compressed."""
        member = self._members.get(name)
        what = f"member {name!r}"
        if member is None:
            raise self.source.error(f"{what} of the zip archive is missing")
        if member.flag_bits & 1 or member.compress_type not in METHODS:
            raise self.source.error(f"{what} is encrypted or packed by a method that is not read")
        packed = self.source.span(self._begin(member, what), member.compress_size, what)
        if member.compress_type == zipfile.ZIP_DEFLATED:
            return self._unpack(packed, member, what)
        if member.file_size != member.compress_size:
            raise self.source.error(f"{what} has two sizes", member.header_offset)
        return packed

    def _unpack(self, packed: np.ndarray, member: zipfile.ZipInfo, what: str) -> np.ndarray:
        self.source.claim(member.file_size, what)
        try:
            raw = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed.data, member.file_size + 1)
        except zlib.error as error:
            raise self.source.error(f"{what} cannot be unpacked ({error})") from error
        if len(raw) != member.file_size or zlib.crc32(raw) != member.CRC:
            raise self.source.error(f"{what} is damaged: size or checksum differ once unpacked")
        return np.frombuffer(bytearray(raw), np.uint8)

    def _begin(self, member: zipfile.ZipInfo, what: str) -> int:
        """Where a member's bytes begin: behind its own header, whose length only it tells."""
        header = self.source.span(member.header_offset, 30, f"the header of {what}").tobytes()
        if not header.startswith(BEGINNINGS[0]):
            raise self.source.error(f"{what} has no header", member.header_offset)
        name_length, extra_length = struct.unpack_from("<HH", header, 26)
        return member.header_offset + 30 + name_length + extra_length
