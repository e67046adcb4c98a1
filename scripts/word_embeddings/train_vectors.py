"""Trains word vectors on text files: skip-gram, CBOW, fastText or GloVe.

python scripts/word_embeddings/train_vectors.py --model skipgram --out vectors.npz TEXT [TEXT ...]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from toolkit.data.text import NGramHashes, Vocab, count_corpus
from toolkit.data.text.embedding import TokenEmbedding, evaluate_similarity, read_pairs
from toolkit.data.text.streams import LineStream

import glove
import numpy as np
from word2vec import Options, Subwords, Trainer, Words

MODELS = ("skipgram", "cbow", "fasttext", "glove")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("texts", nargs="+", type=Path, help="UTF-8; each line is a sentence")
    parser.add_argument("--model", choices=MODELS, default="skipgram")
    parser.add_argument("--out", type=Path, required=True, help="an .npz file for the vectors")
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--window", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--min-count", type=int, default=5)
    parser.add_argument(
        "--sample", type=float, default=1e-3, help="thin out words above this share"
    )
    parser.add_argument("--rate", type=float, help="default 0.025; 0.05 for cbow and glove")
    parser.add_argument("--buckets", type=int, default=200_000, help="of n-grams, for fasttext")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    similarity = "a file of word pairs to judge by; may be given again"
    parser.add_argument("--similarity", action="append", type=Path, default=[], help=similarity)
    return parser.parse_args(arguments)


def read(texts: Sequence[Path], min_count: int) -> tuple[Vocab, np.ndarray, np.ndarray, np.ndarray]:
    """The vocabulary, its counts, all indices of the corpus, and where its sentences end."""
    counter = count_corpus(texts, min_freq=min_count)
    bare = dict.fromkeys(("unknown_token", "padding_token", "bos_token", "eos_token"))
    vocab = Vocab(counter, **bare)
    index = vocab.token_to_idx
    rows = [[index[w] for w in line.split() if w in index] for line in LineStream(texts)]
    ends = np.cumsum([len(row) for row in rows])
    ids = np.fromiter((i for row in rows for i in row), np.int64, int(ends[-1]))
    return vocab, np.array([counter[t] for t in vocab.idx_to_token], float), ids, ends


def train(
    options: argparse.Namespace, vocab: Vocab, counts: np.ndarray, ids: np.ndarray, ends: np.ndarray
) -> np.ndarray:
    """The vectors of a corpus, (V, D)."""
    rng = np.random.default_rng(options.seed)
    rate = options.rate or {"skipgram": 0.025, "fasttext": 0.025}.get(options.model, 0.05)
    if options.model == "glove":
        pairs = glove.cooccurrences(ids, ends, len(vocab), options.window)
        how = glove.GloveOptions(options.dim, options.window, rate=rate, seed=options.seed)
        return glove.train(pairs, len(vocab), options.epochs, how)[0]
    inputs: Words | Subwords
    if options.model == "fasttext":
        hashes = NGramHashes(options.buckets)
        inputs = Subwords(vocab.idx_to_token, options.dim, rng, hashes)
    else:
        inputs = Words(len(vocab), options.dim, rng)
    how = Options(
        dim=options.dim,
        window=options.window,
        sample=options.sample,
        rate=rate,
        cbow=options.model == "cbow",
        seed=options.seed,
    )
    trainer = Trainer(counts, inputs, how)
    trainer.train(ids, ends, options.epochs, options.threads)
    return inputs.vectors()


def main(options: argparse.Namespace) -> dict[str, Any]:
    """Trains, saves, judges and logs."""
    vocab, counts, ids, ends = read(options.texts, options.min_count)
    start = time.perf_counter()
    vectors = train(options, vocab, counts, ids, ends)
    seconds = time.perf_counter() - start
    table = TokenEmbedding(vocab.idx_to_token, vectors)
    table.save(options.out)
    report: dict[str, Any] = {
        "model": options.model,
        "words": len(vocab),
        "tokens": len(ids),
        "epochs": options.epochs,
        "seconds": round(seconds, 2),
        "words_per_second": round(options.epochs * len(ids) / seconds),
        "seed": options.seed,
    }
    for path in options.similarity:
        result = evaluate_similarity(table, read_pairs(path))
        report[path.name] = {"spearman": round(result.spearman, 4), "covered": result.covered}
    print(json.dumps(report), flush=True)
    return report


if __name__ == "__main__":
    main(parse())
