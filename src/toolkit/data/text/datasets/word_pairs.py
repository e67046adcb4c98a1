"""Readers of word similarities and analogies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toolkit.data.text.datasets.labelled import Reader
from toolkit.data.text.datasets.source import Source
from toolkit.data.text.embedding.analogy import read_questions
from toolkit.data.text.embedding.similarity import Pair, parse_pairs


def word_pairs(**options: Any) -> Reader:
    """Samples ``(word, word, score)``; options of ``parse_pairs``."""

    def read(sources: Sequence[Source]) -> list[Pair]:
        (source,) = sources
        return parse_pairs(source.lines(), str(source.folder / source.name), **options)

    return read


def lemma_pairs(sources: Sequence[Source]) -> list[Pair]:
    """The same of words with their part of speech behind them: ``sun-n``."""
    return [(a[:-2], b[:-2], score) for a, b, score in word_pairs()(sources)]


def merged_pairs(sources: Sequence[Source]) -> list[Pair]:
    """The same of several files, in order; what is in two of them counts once."""
    read = word_pairs()
    return sorted({pair for source in sources for pair in read([source])})


def scored_pairs(sources: Sequence[Source]) -> list[Pair]:
    """The same from two files, one of pairs and one of their scores, line by line."""
    pairs, scores = (source.lines() for source in sources)
    if len(pairs) != len(scores):
        what = f"{len(scores)} scores for {len(pairs)} pairs"
        raise sources[1].error(min(len(pairs), len(scores)) + 1, what)
    found = []
    for line, (pair, score) in enumerate(zip(pairs, scores, strict=True), 1):
        words = pair.split("\t")
        try:
            found.append((words[0].strip(), words[1].strip(), float(score)))
        except (IndexError, ValueError):
            raise sources[0].error(line, f"no pair with a score: {pair!r}, {score!r}") from None
    return found


def analogies(sources: Sequence[Source]) -> list[tuple[str, ...]]:
    """Samples ``(category, a, b, c, answer)`` of a file in word2vec's layout."""
    (source,) = sources
    questions = read_questions(source.path)
    return [(category, *row) for category, rows in questions.items() for row in rows]
