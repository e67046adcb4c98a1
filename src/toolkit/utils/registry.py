"""Tables that look things up by name and teach when a name is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Up to five known names that look like ``name``, best first."""
    by_lower = {k.lower(): k for k in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=5, cutoff=0.5)
    return [by_lower[k] for k in close]


def unknown(kind: str, name: object, known: Iterable[str]) -> str:
    """The message for a name that is in no table: what was given, and what is near it."""
    known = sorted(known)
    close = nearest(str(name), known)
    if close:
        hint = f"did you mean {', '.join(close)}?"
    elif len(known) <= 12:
        hint = f"known: {', '.join(known) or 'none'}"
    else:
        hint = f"{len(known)} are known, such as {', '.join(known[:5])}"
    return f"unknown {kind} {name!r}; {hint}"


class Registry(Generic[T]):
    """Values of one kind by name; names are unique, lookups of unknown names raise ValueError."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._values: dict[str, T] = {}

    def add(self, name: str, value: T) -> None:
        """Registers ``value``; raises ValueError where the name is taken."""
        if name in self._values:
            raise ValueError(f"{self.kind} {name!r} is registered twice")
        self._values[name] = value

    def __getitem__(self, name: str) -> T:
        if name not in self._values:
            raise ValueError(unknown(self.kind, name, self._values))
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._values)
