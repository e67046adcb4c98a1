"""Arrays that others keep joined or transposed, taken apart into ours and put together again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.model_zoo.renames import Template


@dataclass(frozen=True)
class Layout:
    """What is different about a foreign file besides its names; templates as in rename tables."""

    transposed: tuple[Template, ...] = ()  # two-dimensional arrays that are transposed there
    joined: tuple[tuple[Template, tuple[Template, ...]], ...] = ()  # along the first axis
    prefix: str = ""  # that the file may lack
    by_head: tuple[Template, ...] = ()  # whose last axis is two there: heads, units of each
    rows: tuple[Template, ...] = ()  # that are the one row of a matrix there

    @classmethod
    def of(
        cls,
        transposed: Iterable[str] = (),
        joined: Iterable[tuple[str, Sequence[str]]] = (),
        prefix: str = "",
        by_head: Iterable[str] = (),
        rows: Iterable[str] = (),
    ) -> Layout:
        """Makes a layout from plain strings, as the weights files hold them."""
        return cls(
            tuple(Template(text, True) for text in transposed),
            tuple(
                (Template(whole, True), tuple(Template(part, True) for part in parts))
                for whole, parts in joined
            ),
            prefix,
            tuple(Template(text, True) for text in by_head),
            tuple(Template(text, True) for text in rows),
        )

    def unpack(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Foreign arrays with each joined one in parts, and none transposed."""
        result: dict[str, np.ndarray] = {}
        for key, value in arrays.items():
            name = self._full(key)
            if _fits(self.by_head, name):
                value = value.reshape(len(value), -1)
            if _fits(self.transposed, name):
                value = value.T
            if _fits(self.rows, name):
                value = value.reshape(-1)
            for whole, parts in self.joined:
                fields = whole.match(name)
                if fields is not None:
                    pieces = np.split(value, len(parts))
                    result |= {p.format(fields): v for p, v in zip(parts, pieces, strict=True)}
                    break
            else:
                result[key] = value
        return result

    def pack(self, arrays: Mapping[str, np.ndarray], heads: int = 1) -> dict[str, np.ndarray]:
        """The way back: parts joined, what is to be transposed transposed, ``heads`` apart."""
        result: dict[str, np.ndarray] = dict(arrays)
        for whole, parts in self.joined:
            for key in arrays:
                fields = parts[0].match(key)
                if fields is not None:
                    pieces = [result.pop(part.format(fields)) for part in parts]
                    result[whole.format(fields)] = np.concatenate(pieces)
        result = {k: v.T.copy() if _fits(self.transposed, k) else v for k, v in result.items()}
        result = {k: v[None] if _fits(self.rows, k) else v for k, v in result.items()}
        return {
            k: v.reshape(len(v), heads, -1) if _fits(self.by_head, k) else v
            for k, v in result.items()
        }

    def _full(self, key: str) -> str:
        if key.startswith(self.prefix) or any(w.match(key) is not None for w, _ in self.joined):
            return key
        return self.prefix + key


def _fits(templates: tuple[Template, ...], name: str) -> bool:
    return any(template.match(name) is not None for template in templates)
