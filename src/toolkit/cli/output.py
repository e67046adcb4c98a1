"""How commands print values."""

from __future__ import annotations

import json
from typing import Any

import click


def print_json(value: Any) -> None:
    """Prints a value as indented JSON; what JSON does not know becomes its text."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def cell(value: Any) -> str:
    """A value as the text of a table's cell."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
