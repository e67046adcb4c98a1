"""Rename tables: the key names of foreign checkpoints turned into ours, and back.

A table is data: an ordered list of rows ``[foreign, ours]``. Both sides are templates over the
same placeholders, so each row reads in both directions:

``{i}``
    a whole number; one side may be linear in it: ``features.{3k+1}`` against ``layers.{k}``.
``{*}``
    the rest of the key, dots included.
``{norm}``
    a word of ``WORDS["norm"]``: foreign ``weight`` is our ``gamma``, and so on.

The first row that matches a key renames it. Keys that match a template of ``ignore`` are dropped.
A table's ``prefix`` is one that a file may lack: a bare encoder's keys have none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

WORDS: Mapping[str, Mapping[str, str]] = {
    "norm": {
        "weight": "gamma",
        "bias": "beta",
        "running_mean": "running_mean",
        "running_var": "running_var",
    },
    # Of layer normalization: files that were TensorFlow's once keep its words. Of two words for
    # one thing the later is written.
    "affine": {"gamma": "gamma", "beta": "beta", "weight": "gamma", "bias": "beta"},
}

_FIELD = re.compile(r"\{(?:(\*)|(\d*)([a-z])([+-]\d+)?|([a-z]{2,}))\}")


@dataclass(frozen=True)
class Template:
    """One side of a row: matches keys into fields, and formats fields into a key."""

    text: str
    foreign: bool

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        parts, end = [], 0
        for field in _FIELD.finditer(self.text):
            parts.append(re.escape(self.text[end : field.start()]))
            rest, _, number, _, word = field.groups()
            if rest:
                parts.append("(.+)")
            elif number:
                parts.append(r"(\d+)")
            else:
                words = WORDS[word] if self.foreign else WORDS[word].values()
                parts.append(f"({'|'.join(words)})")
            end = field.end()
        parts.append(re.escape(self.text[end:]))
        return re.compile("".join(parts))

    def match(self, key: str) -> dict[str, str | int] | None:
        """The fields of ``key``, or None where it does not have this form."""
        found = self._pattern.fullmatch(key)
        if found is None:
            return None
        fields: dict[str, str | int] = {}
        for field, value in zip(_FIELD.finditer(self.text), found.groups(), strict=True):
            rest, factor, number, offset, word = field.groups()
            if number:
                index, remainder = divmod(int(value) - int(offset or 0), int(factor or 1))
                if remainder or index < 0 or fields.setdefault(number, index) != index:
                    return None
            elif word:
                fields[word] = WORDS[word][value] if self.foreign else value
            else:
                fields[rest] = value
        return fields

    def format(self, fields: Mapping[str, str | int]) -> str:
        """The key that has these fields."""

        def fill(field: re.Match[str]) -> str:
            rest, factor, number, offset, word = field.groups()
            if number:
                return str(int(factor or 1) * int(fields[number]) + int(offset or 0))
            if word:
                ours = str(fields[word])
                back = {v: k for k, v in WORDS[word].items()}
                return back[ours] if self.foreign else ours
            return str(fields[rest])

        return _FIELD.sub(fill, self.text)


@dataclass(frozen=True)
class RenameTable:
    """An ordered table between the keys of one foreign layout and ours."""

    name: str
    rows: tuple[tuple[Template, Template], ...]
    ignore: tuple[Template, ...] = ()
    prefix: str = ""
    options: Mapping[str, Any] | None = None  # of the network that such files fit

    @classmethod
    def of(
        cls,
        name: str,
        rows: Iterable[Sequence[str]],
        ignore: Iterable[str] = (),
        prefix: str = "",
        *,
        options: Mapping[str, Any] | None = None,
    ) -> RenameTable:
        """Makes a table from plain strings, as the weights files hold them."""
        return cls(
            name,
            tuple((Template(a, True), Template(b, False)) for a, b in rows),
            tuple(Template(text, True) for text in ignore),
            prefix,
            options,
        )

    def covers(self, keys: Iterable[str]) -> bool:
        """Whether every key has a row or is to be ignored."""
        return all(self.ignores(key) or self.to_ours(key) is not None for key in keys)

    def to_ours(self, key: str) -> str | None:
        """Our name of a foreign key; None where no row matches."""
        found = _rename(self.rows, key, source=0)
        if found is None and self.prefix:
            found = _rename(self.rows, self.prefix + key, source=0)
        return found

    def to_foreign(self, key: str) -> str | None:
        """The foreign name of our key; None where no row matches."""
        return _rename(self.rows, key, source=1)

    def ignores(self, key: str) -> bool:
        """Whether a foreign key carries nothing that we keep."""
        keys = {key, self.prefix + key}
        return any(template.match(k) is not None for template in self.ignore for k in keys)


@lru_cache(maxsize=65536)
def _rename(rows: tuple[tuple[Template, Template], ...], key: str, source: int) -> str | None:
    for row in rows:
        fields = row[source].match(key)
        if fields is not None:
            return row[1 - source].format(fields)
    return None


class UnmatchedKeysError(ValueError):
    """No table maps the keys of a checkpoint onto those of a network."""


Shapes = Mapping[str, tuple[int, ...]]


def match_keys(
    foreign: Shapes,
    ours: Shapes,
    tables: Iterable[RenameTable] = (),
    *,
    optional: tuple[str, ...] = (),
    graph: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Maps each of our keys to the foreign key that holds its value.

    Tried in turn: the names in the network's own ``graph``, by our key, as its exports have them;
    the same names, each table, the order of construction with shapes checked (for files whose
    names were numbered by a counter). ``foreign`` and ``ours`` give shapes by key, in file order
    and in construction order. Keys of ours that begin with one of ``optional`` may be missing on
    either side: heads that a file lacks, and heads that the network lacks.

    Raises:
        UnmatchedKeysError: nothing fits; the message names the first unmatched keys of each side
            under the table that came nearest.
    """
    identity = RenameTable.of("own names", [["{*}", "{*}"]])
    nearest: tuple[int, str] | None = None
    plain = {_strip(key): key for key in foreign}
    if graph and set(graph.values()) == plain.keys():
        return {key: plain[name] for key, name in graph.items()}
    for table in (identity, *tables):
        pairs = [(table.to_ours(k), k) for k in plain if not table.ignores(k)]
        renamed = dict(pairs)
        pairs = [(k, v) for k, v in pairs if k in ours or not (k or "").startswith(optional)]
        hits = len(renamed.keys() & ours.keys())
        missing = [k for k in ours if k not in renamed and not k.startswith(optional)]
        if hits == len(pairs) and hits and not missing:
            return {key: plain[renamed[key]] for key in ours if key in renamed}
        if nearest is None or hits > nearest[0]:
            nearest = hits, _describe(table, pairs, ours)
    by_order = _match_in_order(foreign, ours)
    if by_order is not None:
        return by_order
    assert nearest is not None
    raise UnmatchedKeysError(nearest[1])


def _strip(key: str) -> str:
    return key[4:] if key.startswith(("arg:", "aux:")) else key


def _describe(table: RenameTable, pairs: Sequence[tuple[str | None, str]], ours: Shapes) -> str:
    found = Counter(name for name, _ in pairs)
    unused = [key for name, key in pairs if name not in ours or found[name] > 1]
    missing = [key for key in ours if key not in found]
    return (
        f"the checkpoint's keys do not fit this network (nearest: {table.name}, "
        f"{len(ours) - len(missing)} of {len(ours)} found); first keys of the checkpoint without a "
        f"place: {_first(unused)}; first parameters of the network without a value: "
        f"{_first(missing)}"
    )


def _first(keys: Sequence[str]) -> str:
    return ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "") or "none"


_KINDS = ("weight", "bias", "gamma", "beta", "mean", "var")
_COUNTED = re.compile(r"(.*?)(\d+)_([a-z_]+)")


def _match_in_order(foreign: Shapes, ours: Shapes) -> dict[str, str] | None:
    """Pairs keys of one kind and rank by position; None unless every shape agrees."""
    theirs, mine = _by_kind(_as_counted(foreign), foreign), _by_kind(ours, ours)
    pairs: dict[str, str] = {}
    for kind, keys in mine.items():
        partners = theirs.get(kind, [])
        if [foreign[k] for k in partners] != [ours[k] for k in keys]:
            return None
        pairs.update(zip(keys, partners, strict=True))
    return pairs if len(pairs) == len(ours) == len(foreign) else None


def _as_counted(keys: Iterable[str]) -> list[str]:
    """Keys that differ in a counter alone put in its order, which is that of construction.

    A file written from a graph lists them as the graph runs: a shortcut before what it passes by.
    """
    ordered = list(keys)
    places: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for place, key in enumerate(ordered):
        found = _COUNTED.fullmatch(key)
        if found:
            places.setdefault((found[1], found[3]), []).append((int(found[2]), place))
    result = ordered.copy()
    for group in places.values():
        slots = sorted(place for _, place in group)
        for slot, (_, place) in zip(slots, sorted(group), strict=True):
            result[slot] = ordered[place]
    return result


def _by_kind(keys: Iterable[str], shapes: Shapes) -> dict[tuple[str, int], list[str]]:
    kinds: dict[tuple[str, int], list[str]] = {}
    for key in keys:
        kind = next((k for k in _KINDS if key.endswith(k)), "")
        kinds.setdefault((kind, len(shapes[key])), []).append(key)
    return kinds
