"""Builds a vocabulary from a synthetic corpus larger than it may hold in memory.

Words follow Zipf's law over a few million types. Printed are the time, the peak memory of the
process (Linux), and the vocabulary's size; the counts of the most frequent words are checked.

    python benchmarks/vocabulary.py [--gigabytes 1] [--words 100000] [--folder /tmp]
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections import Counter
from pathlib import Path

from toolkit.data.text import Vocab, count_corpus

import numpy as np

TYPES, BLOCK = 5_000_000, 1_000_000  # different words; words written at a time
CHECKED = 100  # of the most frequent words


def write(path: Path, size: int, seed: int) -> Counter[str]:
    """Writes a corpus of lines; the counts of its most frequent words."""
    rng = np.random.default_rng(seed)
    counts: Counter[str] = Counter()
    with path.open("w", encoding="utf-8") as file:
        while file.tell() < size:
            ranks = np.minimum(rng.zipf(1.2, BLOCK), TYPES)
            for rank, count in enumerate(np.bincount(ranks)[: CHECKED + 1]):
                counts[f"w{rank:x}é"] += int(count)
            words = [f"w{rank:x}é" for rank in ranks.tolist()]
            lines = (" ".join(words[i : i + 20]) for i in range(0, BLOCK, 20))
            file.write("\n".join(lines) + "\n")
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--words", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where the corpus is written for a while")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "corpus.txt"
        expected = write(path, int(options.gigabytes * 1e9), options.seed)
        start = time.perf_counter()
        counts = count_corpus(path, max_size=options.words)
        vocab = Vocab(counts)
        seconds = time.perf_counter() - start
        size = path.stat().st_size
    wrong = {w: counts[w] for w, n in expected.most_common(CHECKED) if counts[w] != n}
    if wrong:
        raise SystemExit(f"counts differ: {wrong}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{size / 1e9:.2f} GB in {seconds:.0f} s ({size / 1e6 / seconds:.0f} MB/s), ", end="")
    print(f"peak memory {peak:.2f} GB, {len(vocab)} tokens, {CHECKED} counts checked")


if __name__ == "__main__":
    main()
