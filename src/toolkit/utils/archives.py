"""One member out of a zip file, without trusting the file."""

from __future__ import annotations

import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Protocol

from toolkit.utils.registry import nearest

RATIO = 200  # members that grow beyond this many times the archive are taken for bombs
FREE = 64 << 20  # bytes that a member may have whatever the ratio
_CHUNK = 1 << 20
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


class Sink(Protocol):
    """Takes bytes."""

    def write(self, chunk: bytes, /) -> int:
        """Writes ``chunk``."""


class ArchiveError(ValueError):
    """A zip file does not hold what it should, or holds what it should not."""


def extract_member(archive: Path, member: str, sink: Sink, *, size: int | None = None) -> None:
    """Streams one member of a zip file into ``sink``.

    Args:
        archive: the zip file.
        member: the member's whole name in it; ``*/name`` is the one of that name in any folder.
        sink: a binary file, or anything with ``write``.
        size: bytes that the member must have; where it is not known, a member may grow to ``FREE``
            bytes or ``RATIO`` times the archive, whichever is more.

    Raises:
        ArchiveError: on a file that is no zip, a missing member (the names in it are listed), a
            name that leads out of a folder, a link, folder or encrypted member, and on more bytes
            than allowed, by declaration or in fact.
    """
    limit = size if size is not None else max(FREE, RATIO * archive.stat().st_size)
    try:
        with zipfile.ZipFile(archive) as opened:
            info = _find(opened, member)
            _check(info, size, limit)
            with opened.open(info) as source:
                _copy(source, sink, member, size, limit)
    except ArchiveError:
        raise
    except zipfile.BadZipFile as err:
        raise ArchiveError(
            f"not a sound zip file ({err}); it starts with {_head(archive)}"
        ) from err
    except _BROKEN as err:
        raise ArchiveError(f"member {member!r} cannot be unpacked: {err}") from err


def _find(archive: zipfile.ZipFile, member: str) -> zipfile.ZipInfo:
    if member.startswith("*/"):
        ends = [name for name in archive.namelist() if f"/{name}".endswith(member[1:])]
        if len(ends) == 1:
            return archive.getinfo(ends[0])
    try:
        return archive.getinfo(member)
    except KeyError:
        names = archive.namelist()
        shown = nearest(member, names) or names[:5]
        more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
        inside = ", ".join(map(repr, shown)) + more if names else "nothing"
        raise ArchiveError(f"no member {member!r}; inside is {inside}") from None


def _check(info: zipfile.ZipInfo, size: int | None, limit: int) -> None:
    """Refuses what the archive's own table already gives away."""
    name = info.filename
    windows = PureWindowsPath(name)
    if ".." in windows.parts or windows.drive or windows.root or PurePosixPath(name).is_absolute():
        raise ArchiveError(f"member {name!r} leads out of the folder it is unpacked to")
    kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where the zip was not made on Unix
    if info.is_dir() or kind not in (0, stat.S_IFREG):
        raise ArchiveError(f"member {name!r} is a link, a folder or a device, not a file")
    if info.flag_bits & 0x1:
        raise ArchiveError(f"member {name!r} is encrypted")
    if size is not None and info.file_size != size:
        raise ArchiveError(f"member {name!r} declares {info.file_size} bytes, expected {size}")
    if info.file_size > limit:
        raise ArchiveError(
            f"member {name!r} declares {info.file_size} bytes, at most {limit} allowed"
        )


def _copy(source: IO[bytes], sink: Sink, member: str, size: int | None, limit: int) -> None:
    done = 0
    while chunk := source.read(_CHUNK):
        done += len(chunk)
        if done > limit:
            raise ArchiveError(f"member {member!r} has more than the {limit} bytes allowed")
        sink.write(chunk)
    if size is not None and done != size:
        raise ArchiveError(f"member {member!r} has {done} bytes, expected {size}")


def _head(path: Path) -> str:
    with open(path, "rb") as handle:
        return repr(handle.read(24))
