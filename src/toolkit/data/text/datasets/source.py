"""One file of a data set: its bytes, and where in it something is wrong."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path


class DatasetError(ValueError):
    """A file of a data set is not what it should be; the message has the file and the line."""


@dataclass(frozen=True)
class Source:
    """A file, packed or not; ``a.zip!b.txt`` is a member of an archive."""

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
            if member:
                with zipfile.ZipFile(self.path) as archive:
                    return archive.read(member)
            raw = self.path.read_bytes()
            return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, gzip.BadGzipFile) as error:
            raise DatasetError(f"cannot unpack {self.folder / self.name}: {error}") from error
