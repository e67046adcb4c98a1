"""Options given as text: ``NAME=VALUE``."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any


def parse_options(pairs: Iterable[str]) -> dict[str, Any]:
    """Maps ``["layers=2", "head=fcn"]`` to ``{"layers": 2, "head": "fcn"}``.

    Values are Python's literals, or else text; of two of the same name the later one counts.

    Raises:
        ValueError: one has no name or no ``=``.
    """
    options: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not (equals and name.isidentifier()):
            raise ValueError(f"an option is NAME=VALUE, such as layers=2; got {pair!r}")
        try:
            options[name] = ast.literal_eval(text)
        except (SyntaxError, ValueError):
            options[name] = text
    return options
