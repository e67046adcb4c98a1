"""Aligned text tables for terminals."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence

GAP = "  "
NARROWEST = 8  # characters that the last column keeps on a narrow terminal
_NUMBER = re.compile(r"-?[\d,]+(\.\d+)?(e[+-]\d+)?")  # not 121e1579, which is a hash


def render(
    header: Sequence[str], rows: Sequence[Sequence[object]], *, width: int | None = None
) -> str:
    """Lines of columns that are as wide as their widest cell; numbers stand to the right.

    Args:
        header: titles of the columns; empty for a table without.
        rows: one sequence of cells a row, all of one length.
        width: characters a line may have, 0 for any number. The last column is cut to fit.
            Default: the terminal's width, or any number where stdout is no terminal.
    """
    if width is None:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    cells = [[str(cell) for cell in row] for row in rows]
    lines = [list(header), *cells] if header else cells
    if not lines:
        return ""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    if width:
        before = sum(widths[:-1]) + len(GAP) * (len(widths) - 1)
        widths[-1] = min(widths[-1], max(NARROWEST, width - before))
    numeric = [all(map(_is_number, column)) for column in zip(*cells, strict=True)]
    numeric = numeric or [False] * len(widths)
    return "\n".join(
        GAP.join(
            _cut(cell, w).rjust(w) if right else _cut(cell, w).ljust(w)
            for cell, w, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in lines
    )


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else cell[: width - 1] + "…"


def _is_number(cell: str) -> bool:
    return not cell or _NUMBER.fullmatch(cell) is not None
