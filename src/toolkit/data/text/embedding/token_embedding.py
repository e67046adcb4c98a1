"""Vectors of tokens, and what stands for tokens that have none."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from toolkit.utils.disk import atomic_write
from toolkit.utils.registry import nearest, unknown

Policy = Callable[["TokenEmbedding", str], np.ndarray]


def _refuse(table: TokenEmbedding, token: str) -> np.ndarray:
    near = ", ".join(nearest(token, table.tokens[:100_000]))
    raise KeyError(f"no vector for {token!r}" + (f"; near it: {near}" if near else ""))


# What stands for a token without a vector.
POLICIES: Mapping[str, Policy] = MappingProxyType(
    {
        "zeros": lambda table, token: np.zeros(table.dim, np.float32),
        "mean": lambda table, token: table.mean,
        "raise": _refuse,
    }
)


class TokenEmbedding:
    """A table of vectors by token.

    Args:
        tokens: N different tokens.
        vectors: (N, D) numbers; an array that is mapped from a file stays so.
        unknown: for tokens without a vector: "zeros", "mean" of all vectors, "raise", a token of
            the table whose vector it is, such as ``"<unk>"``, or a function of the token, such as
            ``SubwordVectors``.
        lower: look a token up in lower case before it is taken for unknown.

    Raises:
        ValueError: another number of vectors than tokens, a token twice, an unknown policy.
    """

    def __init__(
        self,
        tokens: Sequence[str],
        vectors: np.ndarray,
        *,
        unknown: str | Callable[[str], np.ndarray] = "zeros",
        lower: bool = False,
    ) -> None:
        self.tokens = list(tokens)
        self.vectors = vectors
        if vectors.ndim != 2 or len(vectors) != len(self.tokens):
            raise ValueError(f"{len(self.tokens)} tokens and vectors of shape {vectors.shape}")
        self.index = {token: i for i, token in enumerate(self.tokens)}
        if len(self.index) < len(self.tokens):
            twice = next(t for i, t in enumerate(self.tokens) if self.index[t] != i)
            raise ValueError(f"tokens must differ, {twice!r} is there twice")
        self.lower, self.unknown = lower, unknown
        if isinstance(unknown, str) and unknown not in POLICIES and unknown not in self.index:
            raise ValueError(_unknown_policy(unknown))
        self._mean: np.ndarray | None = None

    @property
    def dim(self) -> int:
        """D, the length of a vector."""
        return self.vectors.shape[1]

    @property
    def mean(self) -> np.ndarray:
        """The mean of all vectors, (D,) float32."""
        if self._mean is None:
            self._mean = np.mean(self.vectors, axis=0, dtype=np.float64).astype(np.float32)
        return self._mean

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        return self._find(token) is not None

    def __repr__(self) -> str:
        name = self.unknown if isinstance(self.unknown, str) else type(self.unknown).__name__
        return f"TokenEmbedding(tokens={len(self)}, dim={self.dim}, unknown={name!r})"

    def __getitem__(self, tokens: Any) -> np.ndarray:
        """The vector of a token, (D,), or those of a list of n tokens, (n, D); float32.

        Raises:
            KeyError: a token has no vector and ``unknown`` is "raise".
        """
        if isinstance(tokens, str):
            return self[[tokens]][0]
        places = [self._find(token) for token in tokens]
        found = np.empty((len(places), self.dim), np.float32)
        known = [i for i, place in enumerate(places) if place is not None]
        found[known] = self.vectors[[place for place in places if place is not None]]
        for i, place in enumerate(places):
            if place is None:
                found[i] = self._stand_in(tokens[i])
        return found

    def to_matrix(self, tokens: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Vectors for a vocabulary's tokens, and which of them have one.

        Returns:
            (n, D) float32, and (n,) bool, False where a stand-in was taken.
        """
        return self[tokens], np.array([token in self for token in tokens], bool)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes an ``.npz`` file, whole or not at all, which GluonNLP reads too.

        It is not compressed, so that it can be mapped. A function for unknown tokens is not in it.
        """
        name = self.unknown if self.unknown in self.index else ""
        arrays = {
            "unknown_token": np.array(name),
            "idx_to_token": np.array(self.tokens, "O"),
            "idx_to_vec": np.asarray(self.vectors),
        }
        with (
            atomic_write(Path(path)) as file,
            zipfile.ZipFile(file, "w", allowZip64=True) as archive,
        ):
            for key, array in arrays.items():
                with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array)

    def _find(self, token: Any) -> int | None:
        place = self.index.get(token)
        if place is None and self.lower and isinstance(token, str):
            place = self.index.get(token.lower())
        return place

    def _stand_in(self, token: str) -> np.ndarray:
        if not isinstance(self.unknown, str):
            return self.unknown(token)
        if self.unknown in POLICIES:
            return POLICIES[self.unknown](self, token)
        return self.vectors[self.index[self.unknown]]


def _unknown_policy(name: str) -> str:
    return unknown("policy for unknown tokens (or token of the table)", name, POLICIES)
