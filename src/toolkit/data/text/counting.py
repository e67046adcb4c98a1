"""Counting tokens, of texts in memory and of files larger than memory."""

from __future__ import annotations

import heapq
import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from tqdm import tqdm

from toolkit.data.text.splitters import split_words

BLOCK = 1 << 24  # bytes read at a time
SPACE = b" \t\n\r"
Split = Callable[[str], Iterable[str]]


def count_tokens(
    tokens: Iterable[Any], *, lower: bool = False, counter: Counter[Any] | None = None
) -> Counter[Any]:
    """How often each token is there.

    Args:
        tokens: the tokens, once each time they were seen.
        lower: count "The" as "the".
        counter: what was counted before; it is added to, and returned.
    """
    counter = Counter() if counter is None else counter
    counter.update(token.lower() for token in tokens) if lower else counter.update(tokens)
    return counter


def count_corpus(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    split: Split = split_words,
    min_freq: int = 1,
    max_size: int | None = None,
    max_distinct: int = 2_000_000,
    errors: str = "strict",
    progress: bool = True,
) -> Counter[str]:
    """How often each token is there in UTF-8 text files, in bounded memory, exactly.

    Files are read in blocks. Whenever more than ``max_distinct`` different tokens are counted,
    the counts go to a temporary file in order of the tokens; at the end all are merged.

    Args:
        paths: a file, or several.
        split: gives the tokens of a line; the default needs no lines, so that a file may be a
            single one.
        min_freq: tokens seen less often are left out.
        max_size: only so many of the most frequent are kept; ties go by the tokens' order, as in
            ``Vocab``. This and ``min_freq`` are what bounds the result.
        max_distinct: about 150 bytes of memory each.
        errors: "strict" or "replace", for what is not UTF-8.
        progress: show a bar, in bytes.

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: a file is not UTF-8, the message has the place; ``max_distinct`` below 1.
    """
    if max_distinct < 1:
        raise ValueError(f"max_distinct must be at least 1, got {max_distinct}")
    files = [Path(p) for p in ([paths] if isinstance(paths, str | os.PathLike) else paths)]
    total = sum(file.stat().st_size for file in files)
    counter: Counter[str] = Counter()
    with (
        tempfile.TemporaryDirectory(prefix="toolkit-counts-") as folder,
        tqdm(total=total, unit="B", unit_scale=True, disable=not progress) as bar,
    ):
        runs: list[Path] = []
        for file in files:
            for size, text in _texts(file, errors, by_line=split is not split_words):
                for part in [text] if split is split_words else text.removesuffix("\n").split("\n"):
                    counter.update(split(part))
                if len(counter) > max_distinct:
                    runs.append(_spill(counter, Path(folder) / f"{len(runs):06d}"))
                    counter = Counter()
                bar.update(size)
        if not runs:
            return _selected(counter.items(), min_freq, max_size)
        runs.append(_spill(counter, Path(folder) / f"{len(runs):06d}"))
        counter.clear()
        return _selected(_merged(runs), min_freq, max_size)


def _texts(path: Path, errors: str, *, by_line: bool) -> Iterator[tuple[int, str]]:
    """The blocks of a file, cut at white space or line ends, with their number of bytes."""
    ends = b"\n" if by_line else SPACE
    start, rest = 0, b""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            cut = max(block.rfind(ends[i : i + 1]) for i in range(len(ends))) + 1
            if not cut:
                rest += block
                continue
            whole, rest = rest + block[:cut], block[cut:]
            yield len(whole), _decoded(whole, path, start, errors)
            start += len(whole)
    if rest:
        yield len(rest), _decoded(rest, path, start, errors)


def _decoded(block: bytes, path: Path, start: int, errors: str) -> str:
    try:
        return block.decode("utf-8", errors)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8: byte {block[error.start]:#04x} at {start + error.start}; "
            "convert the file, or count with errors='replace'"
        ) from error


def _spill(counter: Counter[str], path: Path) -> Path:
    """Writes the counts in order of the tokens, one a line; JSON keeps line ends out of them."""
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.writelines(f"{counter[token]} {json.dumps(token)}\n" for token in sorted(counter))
    return path


def _read(path: Path) -> Iterator[tuple[str, int]]:
    with path.open(encoding="ascii", newline="\n") as file:
        for line in file:
            count, _, token = line.partition(" ")
            yield json.loads(token), int(count)


def _merged(runs: list[Path]) -> Iterator[tuple[str, int]]:
    rows = heapq.merge(*map(_read, runs), key=itemgetter(0))
    for token, group in groupby(rows, key=itemgetter(0)):
        yield token, sum(count for _, count in group)


def _selected(
    counts: Iterable[tuple[str, int]], min_freq: int, max_size: int | None
) -> Counter[str]:
    kept = ((token, count) for token, count in counts if count >= min_freq)
    if max_size is None:
        return Counter(dict(kept))
    rows: list[tuple[int, str]] = []
    least = 0  # what comes below it cannot be among the most frequent
    for token, count in kept:
        if count >= least:
            rows.append((-count, token))
            if len(rows) > 4 * max_size + 1024:
                rows = sorted(rows)[:max_size]
                least = -rows[-1][0] if rows else count + 1
    return Counter({token: -negative for negative, token in sorted(rows)[:max_size]})
