"""Names of a package that load their module at first use (PEP 562)."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def exports(
    package: str, table: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Makes ``__getattr__``, ``__dir__`` and ``__all__`` for a package's ``__init__``.

    ``table`` maps each public name to the submodule that defines it; a name that maps to itself
    is the submodule itself, so no submodule may be called like a function. Nothing is imported
    before it is asked for: what does without MXNet works where MXNet is absent.
    """

    def load(name: str) -> Any:
        if name not in table:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = importlib.import_module(f"{package}.{table[name]}")
        value = module if table[name] == name else getattr(module, name)
        setattr(sys.modules[package], name, value)
        return value

    names = sorted(table)
    return load, lambda: names, names
