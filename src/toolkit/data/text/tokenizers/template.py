"""Where special tokens stand around one text or two."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType

_TEXTS = {"$A": 0, "$B": 1}
_PART = re.compile(r"(\S+?)(?::(\d+))?")


@dataclass(frozen=True)
class Slot:
    """A special token, or the place of a text."""

    token: str | None  # None: a text
    text: int | None  # which, 0 or 1; None for a special token
    segment: int


@dataclass(frozen=True)
class Template:
    """The special tokens around texts, in the notation of ``tokenizer.json``.

    ``Template("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1")`` is BERT's: ``$A`` and ``$B`` are
    the texts, a number after a colon the segment, else 0.

    Raises:
        ValueError: a template that does not hold each of its texts once.
    """

    single: str = "$A"
    pair: str = "$A $B:1"
    slots: dict[int, tuple[Slot, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        slots = {1: _parsed(self.single, ["$A"]), 2: _parsed(self.pair, ["$A", "$B"])}
        object.__setattr__(self, "slots", slots)

    @property
    def tokens(self) -> list[str]:
        """The special tokens, each once."""
        found = (slot.token for slots in self.slots.values() for slot in slots)
        return list(dict.fromkeys(token for token in found if token is not None))

    def count(self, texts: int) -> int:
        """How many special tokens stand around so many texts."""
        return len(self.slots[texts]) - texts


def _parsed(text: str, texts: list[str]) -> tuple[Slot, ...]:
    slots, seen = [], []
    for part in text.split():
        name, segment = _PART.fullmatch(part).groups()  # type: ignore[union-attr]  # no blanks
        if name in _TEXTS:
            seen.append(name)
        which = _TEXTS.get(name)
        slots.append(Slot(None if which is not None else name, which, int(segment or 0)))
    if sorted(seen) != texts:
        raise ValueError(f"a template needs {' and '.join(texts)} once each, got {text!r}")
    return tuple(slots)


TEMPLATES = MappingProxyType(
    {
        "plain": Template(),
        "bert": Template("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1"),
        "roberta": Template("<s> $A </s>", "<s> $A </s> </s> $B </s>"),
        "t5": Template("$A </s>", "$A </s> $B </s>"),
        "xlnet": Template("$A <sep> <cls>:2", "$A <sep> $B:1 <sep>:1 <cls>:2"),
    }
)
