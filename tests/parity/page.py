"""Brings the page of the comparisons up to date: python tests/parity/page.py RESULTS PAGE.

The rows of what was compared change, the others stay.
"""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path

START, END = "<!-- measured: {} -->", "<!-- end -->"
FORMS = ("eager", "hybridized", "exported", "note")


def collect(folder: Path) -> dict[str, dict[str, dict[str, float | str]]]:
    """All results by section and name; later ones replace earlier ones."""
    found: dict[str, dict[str, dict[str, float | str]]] = {}
    for path in sorted(folder.glob("*.jsonl"), key=lambda p: p.stat().st_mtime):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found.setdefault(row.pop("section"), {}).setdefault(row.pop("name"), {}).update(row)
    return found


def shown(value: float | str) -> str:
    """Zero as ``0``; other differences by the power of ten that they stay under."""
    if isinstance(value, str):
        return value
    if value == 0:
        return "0"
    return f"< 1e{math.floor(math.log10(value)) + 1}"


def updated(page: str, section: str, results: dict[str, dict[str, float | str]]) -> str:
    """The page with the rows of a section brought up to date, sorted by name."""
    start = START.format(section)
    if start not in page:
        raise ValueError(f"the page has no section {start}")
    before, rest = page.split(start, 1)
    block, after = rest.split(END, 1)
    rows = {}
    for line in block.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if re.fullmatch(r"`.*`", cells[0]):
            rows[cells[0].strip("`")] = (cells[1:] + [""] * len(FORMS))[: len(FORMS)]
    for name, values in results.items():
        old = dict(zip(FORMS, rows.get(name, [""] * len(FORMS)), strict=True))
        rows[name] = [shown(values[form]) if form in values else old[form] for form in FORMS]
    table = ["| name | " + " | ".join(FORMS) + " |", "|---" * (len(FORMS) + 1) + "|"]
    for name, cells in sorted(rows.items()):
        table.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return before + start + "\n" + "\n".join(table) + "\n" + END + after


def main(results: str, page: str) -> None:
    text = Path(page).read_text(encoding="utf-8")
    for section, rows in collect(Path(results)).items():
        text = updated(text, section, rows)
    Path(page).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
