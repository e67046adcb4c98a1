"""One file of a data set: its bytes, and where in it something is wrong."""

from __future__ import annotations

import gzip
import tarfile
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    KeyError,
)


class DatasetError(ValueError):
    """A file of a data set is not what it should be; the message has the file and the line."""


@dataclass(frozen=True)
class Source:
    """A file, packed or not; ``a.zip!b.txt`` is a member of a zip or tar file.

    ``a.zip!*/b.txt`` is the one of that name, whatever the folder in the archive.
    """

    folder: Path
    name: str
    encoding: str = "utf-8"

    @property
    def path(self) -> Path:
        """The file itself, or the archive that holds it."""
        return self.folder / self.name.partition("!")[0]

    def text(self) -> str:
        """The content without a byte order mark.

        Raises:
            DatasetError: it cannot be unpacked or decoded.
        """
        raw = self._bytes()
        try:
            return raw.decode(self.encoding).removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise self.error(line, f"is not {self.encoding}: {error.reason}") from error

    def lines(self) -> list[str]:
        """The lines without their ends; an end of the last begins no further one."""
        lines = self.text().split("\n")
        if lines and not lines[-1]:
            lines.pop()
        return [line.rstrip("\r") for line in lines]

    def error(self, line: int, what: str) -> DatasetError:
        """The error for a line, counted from 1."""
        return DatasetError(f"{self.folder / self.name}, line {line}: {what}")

    def _bytes(self) -> bytes:
        member = self.name.partition("!")[2]
        try:
            raw = _member(self.path, member) if member else self.path.read_bytes()
            return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        except _BROKEN as error:
            raise DatasetError(f"cannot unpack {self.folder / self.name}: {error}") from error


def _member(archive: Path, member: str) -> bytes:
    """The content of one file in an archive; KeyError where there is no such one."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            return packed.read(_named(member, packed.namelist()))
    with tarfile.open(archive) as tape:
        opened = tape.extractfile(_named(member, tape.getnames()))
        if opened is None:
            raise KeyError(f"{member} is no file")
        return opened.read()


def _named(member: str, names: Sequence[str]) -> str:
    if not member.startswith("*/"):
        return member
    ends = [name for name in names if f"/{name}".endswith(member[1:])]
    if len(ends) != 1:
        raise KeyError(f"{len(ends)} files of the name {member[2:]}")
    return ends[0]
