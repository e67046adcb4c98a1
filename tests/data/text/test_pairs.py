from __future__ import annotations

import numpy as np
import pytest

from toolkit.data.text.pairs import IGNORED, PAIR_BATCHIFY, TextPairs
from toolkit.data.text.tokenizers import (
    TEMPLATES,
    SentencePieceTokenizer,
    Tokenizer,
    train_pieces,
)

PAIRS = [("a dog runs", "ein Hund rennt"), ("dogs", "Hunde und Katzen rennen")]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    path = tmp_path_factory.mktemp("pieces") / "pieces.model"
    train_pieces([text for pair in PAIRS for text in pair], 40, path)
    return SentencePieceTokenizer(path, template=TEMPLATES["t5"])


def test_words_follow_those_that_are_known(tokenizer: Tokenizer) -> None:
    pairs = TextPairs(PAIRS, tokenizer, start=0)
    assert len(pairs) == 2
    source, length, words, labels = pairs[0]
    assert tokenizer.decode(source.tolist()) == "a dog runs"
    assert tokenizer.decode(labels.tolist()) == "ein Hund rennt"
    assert length == len(source)
    assert words[0] == 0
    np.testing.assert_array_equal(words[1:], labels[:-1])
    assert source[-1] == labels[-1] == 1


def test_batches_know_where_targets_end(tokenizer: Tokenizer) -> None:
    pairs = TextPairs(PAIRS, tokenizer, start=0)
    sources, lengths, words, labels = PAIR_BATCHIFY([pairs[0], pairs[1]])
    assert sources.shape == (2, max(lengths))
    assert words.shape == labels.shape
    ends = [len(target) for target in pairs.targets]
    assert [(row != IGNORED).sum() for row in labels] == ends
    assert (labels[0, ends[0] :] == IGNORED).all()


def test_lengths_are_those_of_pieces(tokenizer: Tokenizer) -> None:
    pairs = TextPairs(PAIRS, tokenizer, start=0, prefix="a ")
    texts = zip(pairs.sources, pairs.targets, strict=True)
    sizes = [(len(source), len(target)) for source, target in texts]
    assert pairs.lengths == [sum(size) for size in sizes]
    assert pairs.longest == [max(size) for size in sizes]
    assert len(pairs.sources[1]) > len(TextPairs(PAIRS, tokenizer, start=0).sources[1])
    short = TextPairs(PAIRS, tokenizer, start=0, max_length=3)
    assert short.longest == [3, 3]
    assert short.targets[1][-1] == 1


def test_targets_may_have_pieces_of_their_own(tokenizer: Tokenizer) -> None:
    plain = SentencePieceTokenizer(tokenizer.model)  # type: ignore[attr-defined]
    pairs = TextPairs(PAIRS, tokenizer, start=0, target_tokenizer=plain)
    assert pairs.sources[0][-1] == 1
    assert 1 not in pairs.targets[0]
