"""Tokens a second, beside the `tokenizers` library called directly.

The three go round in turn: the library in batch mode (`encode_batch`, then `.ids`), the toolkit
with the library as its engine, and the toolkit in Python alone, made anew in each round because it
remembers words. Printed are the library's texts
and tokens a second, and the medians of the rounds' ratios (above 1 is faster than the library).
`--clock cpu` counts the seconds of the processor in all threads instead of those on the wall, which
others on the machine change.

    python benchmarks/tokenizing.py --wordpiece vocab.txt --bpe encoder.json vocab.bpe TEXT...
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from toolkit.data.text.tokenizers import ByteBPETokenizer, Tokenizer, WordPieceTokenizer

Encode = Callable[[Sequence[str]], list[list[int]]]


def library_alone(tokenizer: Any) -> Encode:
    """The library as its own users call it, with the same settings as the toolkit's engine."""
    from tokenizers import Tokenizer as Library

    library = Library.from_str(tokenizer._cut.library.to_str())

    def encode(texts: Sequence[str]) -> list[list[int]]:
        return [e.ids for e in library.encode_batch(texts, add_special_tokens=False)]

    return encode


CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}


def seconds(encode: Encode, texts: Sequence[str], clock: Callable[[], float]) -> float:
    start = clock()
    encode(texts)
    return clock() - start


def measure(
    load: Callable[[str], Tokenizer], texts: Sequence[str], options: argparse.Namespace
) -> None:
    engine = load("tokenizers")
    library_encode, plain = library_alone(engine), {"special": False}
    runs: dict[str, Callable[[], Encode]] = {
        "library": lambda: library_encode,
        "toolkit": lambda: partial(engine.encode_ids, **plain),
        "python": lambda: partial(load("python").encode_ids, **plain),
    }
    results = [make()(texts) for make in runs.values()]
    if any(result != results[0] for result in results):
        raise SystemExit(f"{type(engine).__name__}: the ids differ")
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(options.repeat):
        names = list(runs)
        for name in names[turn % 3 :] + names[: turn % 3]:
            times[name].append(seconds(runs[name](), texts, CLOCKS[options.clock]))
    library, tokens = times["library"], sum(map(len, results[0]))
    middle = statistics.median(library)
    print(f"{type(engine).__name__:18} {len(texts) / middle:9.0f} {tokens / middle:9.0f}", end="")
    for name in ("toolkit", "python"):
        ratios = (a / b for a, b in zip(library, times[name], strict=True))
        print(f" {statistics.median(ratios):7.2f}x", end="")
    print("  ids equal", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("texts", nargs="+", type=Path, help="UTF-8 files; each line is a text")
    parser.add_argument("--wordpiece", type=Path, help="a vocab.txt")
    parser.add_argument("--bpe", type=Path, nargs=2, help="encoder.json and vocab.bpe")
    parser.add_argument("--repeat", type=int, default=9, help="rounds")
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    options = parser.parse_args()
    texts = [line for p in options.texts for line in p.read_text(encoding="utf-8").split("\n")]
    print(f"{len(texts)} texts; library: texts/s and tokens/s; ratios to it")
    print(f"{'':18} {'texts/s':>9} {'tokens/s':>9} {'toolkit':>8} {'python':>8}")
    if options.wordpiece:
        path = options.wordpiece
        measure(lambda e: WordPieceTokenizer.load(path, engine=e), texts, options)
    if options.bpe:
        files = options.bpe
        measure(lambda e: ByteBPETokenizer.load(*files, engine=e), texts, options)


if __name__ == "__main__":
    main()
