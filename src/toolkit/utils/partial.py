"""The start of a download, kept beside its destination so that the rest can be asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from toolkit.utils.disk import disk_errors


class Partial:
    """The bytes of one download so far: ``<destination>.part``.

    A second file, ``<destination>.part.json``, tells which content the bytes belong to and the
    validator (ETag or date) that the server gave with them. Only bytes with a validator can be
    resumed; `settle` drops all others.
    """

    def __init__(self, destination: Path, wanted: str, remedy: str) -> None:
        self.destination = destination
        self.path = destination.with_name(destination.name + ".part")
        self._note = destination.with_name(destination.name + ".part.json")
        self._wanted = wanted
        self._remedy = remedy

    @property
    def size(self) -> int:
        """Bytes on disk."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def resume(self) -> tuple[int, str]:
        """Where a server may go on and under which validator; ``(0, "")`` is a fresh start."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            fits, validator = note["wanted"] == self._wanted, str(note["validator"])
        except (FileNotFoundError, ValueError, LookupError, TypeError):
            return 0, ""
        return (self.size, validator) if fits and self.size else (0, "")

    def write(self, chunks: Iterable[bytes], start: int = 0, validator: str = "") -> None:
        """Adds chunks behind the first ``start`` bytes; 0 begins anew and notes the validator."""
        with disk_errors(self.destination, self._remedy):
            if not start:
                self.discard()
                if validator:
                    note = {"wanted": self._wanted, "validator": validator}
                    self._note.write_text(json.dumps(note), encoding="utf-8")
            with open(self.path, "r+b" if start else "xb") as handle:
                handle.truncate(start)
                handle.seek(start)
                for chunk in chunks:
                    handle.write(chunk)
                handle.flush()
                os.fsync(handle.fileno())

    def move(self) -> None:
        """Puts the bytes at the destination, in one step."""
        with disk_errors(self.destination, self._remedy):
            os.replace(self.path, self.destination)
        self.discard()

    def discard(self) -> None:
        """Removes both files."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def settle(self) -> None:
        """Keeps what can be resumed later, removes anything else."""
        if not self.resume()[0]:
            self.discard()
