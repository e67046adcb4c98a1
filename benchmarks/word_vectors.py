"""Skip-gram's words a second beside gensim's, interleaved, and how both judge word pairs.

Both read the same sentences with the same settings; building the vocabulary is not counted.
gensim is no dependency of the toolkit: install it beside.

    python benchmarks/word_vectors.py --pairs EN-WS-353-ALL.txt TEXT [TEXT ...]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

from toolkit.data.text.embedding import TokenEmbedding, evaluate_similarity, read_pairs
from toolkit.data.text.streams import LineStream

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts" / "word_embeddings"))

from train_vectors import read
from word2vec import Options, Trainer, Words


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("texts", nargs="+", type=Path)
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=1, help="of each round")
    options = parser.parse_args()
    from gensim.models import Word2Vec

    vocab, counts, ids, ends = read(options.texts, 5)
    sentences = [line.split() for line in LineStream(options.texts)]
    epochs, threads = options.epochs, options.threads
    rates: dict[str, list[float]] = {"toolkit": [], "gensim": []}
    for round_ in range(options.rounds):
        inputs = Words(len(vocab), 100, np.random.default_rng(round_))
        trainer = Trainer(counts, inputs, Options(seed=round_))
        start = time.perf_counter()
        trainer.train(ids, ends, epochs, threads)
        rates["toolkit"].append(epochs * len(ids) / (time.perf_counter() - start))
        theirs = Word2Vec(
            vector_size=100, window=5, min_count=5, sg=1, workers=threads, seed=round_
        )
        theirs.build_vocab(sentences)
        start = time.perf_counter()
        theirs.train(sentences, total_examples=len(sentences), epochs=epochs)
        rates["gensim"].append(epochs * len(ids) / (time.perf_counter() - start))
        print(f"round {round_}: " + ", ".join(f"{n} {r[-1]:.0f} words/s" for n, r in rates.items()))
    ratios = [a / b for a, b in zip(rates["toolkit"], rates["gensim"], strict=True)]
    print(f"median ratio {statistics.median(ratios):.2f} ({len(vocab)} words, {len(ids)} tokens)")
    if options.pairs:
        pairs = read_pairs(options.pairs)
        ours = TokenEmbedding(vocab.idx_to_token, inputs.vectors())
        other = TokenEmbedding(theirs.wv.index_to_key, theirs.wv.vectors)
        for name, table in (("toolkit", ours), ("gensim", other)):
            print(name, evaluate_similarity(table, pairs))


if __name__ == "__main__":
    main()
