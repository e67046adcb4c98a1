"""Digests of files: ``sha1:<hex>`` and ``sha256:<hex>``, whole or cut to a prefix."""

from __future__ import annotations

import hashlib
import string
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from toolkit.utils.registry import unknown

LENGTHS = {"sha1": 40, "sha256": 64}  # hex digits of a whole digest
SHORTEST = 8  # digits of a prefix that is still accepted: the length in published file names
_CHUNK = 1 << 20


class HashMismatchError(OSError):
    """A file is not the one that was asked for: its digest differs from the expected one."""


@dataclass(frozen=True)
class Digest:
    """What a file's hash has to be."""

    algorithm: str  # a key of LENGTHS
    digits: str  # lower-case hex, whole or a prefix

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Reads ``"sha1:<hex>"``; raises ValueError on another algorithm, length or character."""
        algorithm, _, digits = text.strip().lower().partition(":")
        if algorithm not in LENGTHS:
            raise ValueError(
                f"digest {text!r} is not <hash>:<hex>: {unknown('hash', algorithm, LENGTHS)}"
            )
        if not SHORTEST <= len(digits) <= LENGTHS[algorithm]:
            raise ValueError(
                f"digest {text!r} has {len(digits)} hex digits;"
                f" {algorithm} takes {SHORTEST} to {LENGTHS[algorithm]}"
            )
        if not set(digits) <= set(string.hexdigits):
            raise ValueError(f"digest {text!r} has characters that are no hex digits")
        return cls(algorithm, digits)

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.digits}"

    def hasher(self) -> Any:
        """A fresh ``hashlib`` object of this algorithm."""
        return hashlib.new(self.algorithm, usedforsecurity=False)

    def of(self, path: Path) -> Digest:
        """The whole digest of a file, by this algorithm."""
        hasher = self.hasher()
        with open(path, "rb") as handle:
            while chunk := handle.read(_CHUNK):
                hasher.update(chunk)
        return Digest(self.algorithm, hasher.hexdigest())

    def demand(self, got: Digest, what: str) -> None:
        """Raises HashMismatchError, naming ``what`` and both digests, unless ``got`` fits."""
        if not got.digits.startswith(self.digits):
            raise HashMismatchError(f"{what} has the wrong hash: expected {self}, got {got}")


def check_digest(path: Path, digest: str) -> bool:
    """Says whether ``path`` is a file with this digest; a missing file is False.

    Args:
        path: the file.
        digest: ``"sha1:<hex>"`` or ``"sha256:<hex>"``; 8 digits or more compare as a prefix.

    Raises:
        ValueError: where ``digest`` is written otherwise.
    """
    expected = Digest.parse(digest)
    path = Path(path)
    return path.is_file() and expected.of(path).digits.startswith(expected.digits)


class HashedWriter:
    """Passes bytes on to a file and hashes them on their way."""

    def __init__(self, sink: IO[Any], digest: Digest) -> None:
        self._sink = sink
        self._algorithm = digest.algorithm
        self._hasher = digest.hasher()

    def write(self, chunk: bytes) -> int:
        """Writes and hashes ``chunk``."""
        self._hasher.update(chunk)
        return self._sink.write(chunk)

    @property
    def digest(self) -> Digest:
        """The digest of all bytes so far."""
        return Digest(self._algorithm, self._hasher.hexdigest())
