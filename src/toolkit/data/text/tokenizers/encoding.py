"""What a tokenizer makes of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from toolkit.data.text.tokenizers.template import Slot

Span = tuple[int, int]  # of characters in the source text: start, end


class Pieces(Protocol):
    """A text cut into the tokens of a vocabulary."""

    @property
    def ids(self) -> list[int]:
        """The index of each token, (T,)."""
        ...

    @property
    def tokens(self) -> list[str]:
        """The tokens as the vocabulary spells them, (T,)."""
        ...

    @property
    def offsets(self) -> list[Span]:
        """Where each token came from, as characters of the text, (T, 2)."""
        ...


@dataclass(frozen=True)
class PlainPieces:
    """Pieces that are known already."""

    ids: list[int]
    tokens: list[str]
    offsets: list[Span]


@dataclass(frozen=True)
class Encoding:
    """One text, or two, as a model reads them: with special tokens, cut to length.

    Everything is worked out when it is asked for. T is the number of tokens.
    """

    pieces: Sequence[Pieces] = field(repr=False)
    kept: tuple[int, ...]  # so many tokens from the beginning of each text
    slots: tuple[Slot, ...] = field(repr=False)
    special_ids: dict[str, int] = field(repr=False)

    @cached_property
    def ids(self) -> list[int]:
        """The indices of the tokens, (T,)."""
        found: list[int] = []
        for slot in self.slots:
            if slot.text is None:
                found.append(self.special_ids[slot.token or ""])
            else:
                found += self.pieces[slot.text].ids[: self.kept[slot.text]]
        return found

    @cached_property
    def tokens(self) -> list[str]:
        """The tokens, (T,)."""
        found: list[str] = []
        for slot in self.slots:
            if slot.text is None:
                found.append(slot.token or "")
            else:
                found += self.pieces[slot.text].tokens[: self.kept[slot.text]]
        return found

    @cached_property
    def offsets(self) -> list[Span | None]:
        """Where each token is in its text (``texts`` says in which), (T, 2); None: special."""
        found: list[Span | None] = []
        for slot in self.slots:
            if slot.text is None:
                found.append(None)
            else:
                found += self.pieces[slot.text].offsets[: self.kept[slot.text]]
        return found

    @cached_property
    def segments(self) -> list[int]:
        """The segment of each token, (T,), as BERT tells the first text from the second."""
        return [slot.segment for slot in self.slots for _ in range(self._count(slot))]

    @cached_property
    def texts(self) -> list[int | None]:
        """Which text each token is from, 0 or 1, (T,); None for special tokens."""
        return [slot.text for slot in self.slots for _ in range(self._count(slot))]

    def __len__(self) -> int:
        return sum(self._count(slot) for slot in self.slots)

    def _count(self, slot: Slot) -> int:
        return 1 if slot.text is None else self.kept[slot.text]
