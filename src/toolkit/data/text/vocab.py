"""Vocabularies: tokens by index and indices by token."""

from __future__ import annotations

import json
import os
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.data.text.vocab_json import from_document, lines_to_tokens
from toolkit.utils.disk import atomic_write
from toolkit.utils.registry import unknown

SPECIAL_TOKENS = {"padding_token": "<pad>", "bos_token": "<bos>", "eos_token": "<eos>"}


class Vocab:
    """An ordered set of tokens: the unknown token, the special ones, then the most frequent.

    Args:
        counter: how often each token was seen, such as ``count_tokens`` returns; ties go by order
            of the tokens.
        max_size: how many tokens of the counter are kept, reserved ones not counted.
        min_freq: the count that a token needs to be kept.
        unknown_token: what stands for every token that is not known; None makes looking one up
            raise KeyError.
        reserved_tokens: tokens that are always there.
        token_to_idx: the index that some tokens shall have; whoever sits there changes places.
        special_tokens: ``mask_token="<mask>"`` reserves it and makes it ``vocab.mask_token``.
            ``padding_token``, ``bos_token`` and ``eos_token`` are ``<pad>``, ``<bos>`` and
            ``<eos>`` unless given; None leaves one out.

    Raises:
        ValueError: a reserved token twice, a name that does not end in ``_token``, ``min_freq``
            below 1, or a ``token_to_idx`` that names other tokens, or an index twice.
    """

    embedding: np.ndarray | None
    padding_token: Any
    bos_token: Any
    eos_token: Any

    def __init__(
        self,
        counter: Mapping[Any, int] | None = None,
        max_size: int | None = None,
        *,
        min_freq: int = 1,
        unknown_token: Any = "<unk>",
        reserved_tokens: Iterable[Any] = (),
        token_to_idx: Mapping[Any, int] | None = None,
        **special_tokens: Any,
    ) -> None:
        if min_freq < 1 or (max_size or 0) < 0:
            raise ValueError(
                f"min_freq must be 1 or more, max_size 0 or more: got {min_freq}, {max_size}"
            )
        named = {**SPECIAL_TOKENS, **special_tokens}
        special = {name: token for name, token in named.items() if token is not None}
        reserved = _reserved(unknown_token, special, list(reserved_tokens))
        first = [] if unknown_token is None else [unknown_token]
        tokens = first + reserved
        taken = set(tokens)
        if counter:
            kept = sorted(t for t, n in counter.items() if n >= min_freq and t not in taken)
            kept.sort(key=lambda token: -counter[token])  # stable: ties stay in the tokens' order
            tokens += kept[:max_size]
        self._set(tokens, unknown_token, special, reserved)
        if token_to_idx:
            self._set(_moved(tokens, token_to_idx), unknown_token, special, reserved)

    @classmethod
    def from_tokens(
        cls,
        tokens: Sequence[Any],
        *,
        unknown_token: Any = None,
        reserved_tokens: Iterable[Any] = (),
        **special_tokens: Any,
    ) -> Vocab:
        """The vocabulary of exactly these tokens, in their order.

        Raises:
            ValueError: a token is there twice, or the unknown or a special token is not there.
        """
        vocab = cls.__new__(cls)
        special = {k: v for k, v in special_tokens.items() if v is not None}
        reserved = _reserved(unknown_token, special, list(reserved_tokens))
        vocab._set(list(tokens), unknown_token, special, reserved)
        wanted = reserved if unknown_token is None else [unknown_token, *reserved]
        for token in wanted:
            if token not in vocab:
                raise ValueError(unknown("special token", token, map(str, tokens)))
        return vocab

    def _set(
        self, tokens: list[Any], unknown_token: Any, special: dict[str, Any], reserved: list[Any]
    ) -> None:
        self.idx_to_token = tokens
        self.token_to_idx = {token: i for i, token in enumerate(tokens)}
        if len(self.token_to_idx) < len(tokens):
            raise ValueError(f"tokens must differ, {_repeated(tokens)} is there twice")
        self.unknown_token = unknown_token
        self.reserved_tokens = reserved
        self.special_tokens = special
        self.embedding = None
        for name in {**SPECIAL_TOKENS, **special}:
            setattr(self, name, special.get(name))

    def __len__(self) -> int:
        return len(self.idx_to_token)

    def __contains__(self, token: object) -> bool:
        return token in self.token_to_idx

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocab) and self._key() == other._key()

    __hash__ = None  # type: ignore[assignment]  # two that are equal now may not stay so

    def _key(self) -> tuple[Any, ...]:
        return self.idx_to_token, self.unknown_token, self.special_tokens, self.reserved_tokens

    def __repr__(self) -> str:
        return f"Vocab(size={len(self)}, unknown_token={self.unknown_token!r})"

    def __getitem__(self, tokens: Any) -> Any:
        """The index of a token, or the list of them for a list or tuple of tokens.

        Raises:
            KeyError: a token is not known and there is no unknown token.
        """
        if not isinstance(tokens, list | tuple):
            return self._index(tokens)
        get = self.token_to_idx.get
        if self.unknown_token is None:
            return [self._index(token) for token in tokens]
        default = self.token_to_idx[self.unknown_token]
        return [get(token, default) for token in tokens]

    def _index(self, token: Hashable) -> int:
        index = self.token_to_idx.get(token)
        if index is not None:
            return index
        if self.unknown_token is None:
            message = unknown("token", token, map(str, self.idx_to_token))
            raise KeyError(f"{message}; this vocabulary has no unknown token")
        return self.token_to_idx[self.unknown_token]

    def to_indices(self, tokens: Any) -> Any:
        """The same as ``vocab[tokens]``."""
        return self[tokens]

    __call__ = to_indices

    def to_tokens(self, indices: Any) -> Any:
        """The token of an index; nested lists for lists, tuples and arrays of indices.

        Raises:
            IndexError: an index is below 0 or not below ``len(vocab)``.
        """
        if isinstance(indices, np.ndarray):
            indices = indices.tolist()
        if isinstance(indices, list | tuple):
            return [self.to_tokens(index) for index in indices]
        if not 0 <= indices < len(self):
            raise IndexError(f"index {indices} is out of range: {self!r} has 0 to {len(self) - 1}")
        return self.idx_to_token[int(indices)]

    def set_embedding(self, *embeddings: Any) -> None:
        """Makes ``vocab.embedding``: a ``(len(vocab), D)`` float32 matrix, one row an index.

        Args:
            embeddings: each maps a list of ``n`` tokens to ``(n, d)`` vectors by ``[]``; several
                are put side by side. None alone takes the matrix away.
        """
        if all(table is None for table in embeddings):
            self.embedding = None
            return
        parts = [np.asarray(table[self.idx_to_token], np.float32) for table in embeddings]
        for part in parts:
            if part.ndim != 2 or len(part) != len(self):
                raise ValueError(f"an embedding gave {part.shape} for {len(self)} tokens")
        self.embedding = np.concatenate(parts, axis=1)

    def to_json(self) -> str:
        """The vocabulary as a JSON text that GluonNLP reads too; without ``embedding``.

        Raises:
            ValueError: a token is no string, which JSON would turn into one.
        """
        for token in self.idx_to_token:
            if not isinstance(token, str):
                raise ValueError(f"only strings can be written, {token!r} is none")
        return json.dumps(
            {
                "idx_to_token": self.idx_to_token,
                "token_to_idx": self.token_to_idx,
                "reserved_tokens": self.reserved_tokens or None,
                "unknown_token": self.unknown_token,
                "identifiers_to_tokens": self.special_tokens,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Vocab:
        """The vocabulary of a JSON text, by ``to_json`` or by any version of GluonNLP.

        Raises:
            ValueError: the text is no such JSON; or tokens or indices are there twice, missing,
                or contradict each other.
        """
        try:
            document = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"not a vocabulary: {error}") from error
        parts = from_document(document)
        return cls.from_tokens(
            parts.tokens,
            unknown_token=parts.unknown_token,
            reserved_tokens=parts.reserved_tokens,
            **parts.special_tokens,
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes ``to_json()`` to a file, whole or not at all."""
        with atomic_write(Path(path), "w") as file:
            file.write(self.to_json())

    @classmethod
    def load(cls, path: str | os.PathLike[str], **special_tokens: Any) -> Vocab:
        """Reads a file by ``save``, a ``.vocab`` file of GluonNLP's, or one token a line.

        Args:
            path: the file, in UTF-8.
            special_tokens: for one token a line, which does not say, as for ``from_tokens``.

        Raises:
            ValueError: it is not UTF-8, empty, or broken; the message has the file and the place.
        """
        try:
            text = Path(path).read_bytes().decode("utf-8-sig")
            if text.lstrip()[:1] == "{":
                return cls.from_json(text)
            return cls.from_tokens(lines_to_tokens(text), **special_tokens)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error


def _repeated(tokens: list[Any]) -> str:
    seen: set[Any] = set()
    return next(repr(token) for token in tokens if token in seen or seen.add(token))  # type: ignore[func-returns-value]


def _reserved(unknown_token: Any, special: dict[str, Any], reserved: list[Any]) -> list[Any]:
    """The special tokens, each once, then the reserved ones."""
    for name in special:
        if not name.endswith("_token") or name.startswith("_") or hasattr(Vocab, name):
            raise ValueError(f"special tokens are called like mask_token, got {name!r}")
    tokens = [*dict.fromkeys(t for t in special.values() if t != unknown_token), *reserved]
    if len(set(tokens)) < len(tokens):
        raise ValueError(f"reserved tokens must differ, {_repeated(tokens)} is there twice")
    if unknown_token is not None and unknown_token in reserved:
        raise ValueError(f"the unknown token {unknown_token!r} cannot be reserved too")
    return tokens


def _moved(tokens: list[Any], wanted: Mapping[Any, int]) -> list[Any]:
    """The tokens with the wanted ones at their index, by swapping places."""
    place = {token: i for i, token in enumerate(tokens)}
    for token, index in wanted.items():
        if token not in place:
            raise ValueError(unknown("token in token_to_idx", token, map(str, tokens)))
        if not 0 <= index < len(tokens):
            raise ValueError(f"token_to_idx puts {token!r} at {index}; there are {len(tokens)}")
    if len(set(wanted.values())) < len(wanted):
        raise ValueError("token_to_idx gives one index to two tokens")
    tokens = list(tokens)
    for token, index in wanted.items():
        old, ousted = place[token], tokens[index]
        tokens[old], tokens[index] = ousted, token
        place[token], place[ousted] = index, old
    return tokens
