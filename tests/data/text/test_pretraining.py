"""Pairs and hidden words, made while text is read."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from toolkit.data.text.pretraining import (
    IGNORED,
    Masking,
    PretrainingBatches,
    Specials,
    cut_pairs,
    read_documents,
)

SPECIALS = Specials(first=1, separator=2, mask=3, words=range(10, 1000))


def numbered(documents: int, sentences: int) -> list[str]:
    """Lines whose words are numbers: 1052 is word 2 of sentence 5 of document 0."""
    lines = []
    for d in range(documents):
        for s in range(sentences):
            lines.append(" ".join(str(1000 * (d + 1) + 10 * s + w) for w in range(4)))
        lines.append("")
    return lines


def encode(line: str) -> list[int]:
    return [int(word) for word in line.split()]


def test_documents_are_apart_by_empty_lines() -> None:
    assert list(read_documents(["1", "2", "", "", "3", " "], encode)) == [[[1], [2]], [[3]]]


def test_half_of_the_second_texts_follow() -> None:
    documents = list(read_documents(numbered(20, 40), encode))
    rng = np.random.default_rng(0)
    pairs = [
        pair
        for i, document in enumerate(documents)
        for pair in cut_pairs(document, documents[:i] + documents[i + 1 :], 30, rng)
    ]
    follows = [pair[2] for pair in pairs]
    assert 0.4 < np.mean(follows) < 0.6
    for first, second, follow in pairs:
        assert len(first) >= 1
        assert len(second) >= 1
        assert len(first) + len(second) <= 30
        assert (first[0] // 1000 == second[0] // 1000) == follow


def test_without_other_documents_all_follow() -> None:
    (document,) = read_documents(numbered(1, 9), encode)
    found = list(cut_pairs(document, [], 16, np.random.default_rng(0)))
    assert len(found) == 2
    assert all(follows for *_, follows in found)
    assert not list(cut_pairs([[1, 2]], [], 16, np.random.default_rng(0)))


def test_shares_of_hidden_words() -> None:
    tokens = np.concatenate([[1], np.arange(20_000, 30_000), [2]])
    shown, places, hidden = Masking(most=10_000)(tokens, SPECIALS, np.random.default_rng(0))
    assert len(places) == 1500
    assert set(places) <= set(range(1, 10_001))
    np.testing.assert_array_equal(tokens[places], hidden)
    assert np.mean(shown[places] == 3) == pytest.approx(0.8, abs=0.03)
    assert np.mean(shown[places] == hidden) == pytest.approx(0.1, abs=0.03)
    untouched = np.delete(np.arange(len(tokens)), places)
    np.testing.assert_array_equal(shown[untouched], tokens[untouched])


def test_wrong_shares() -> None:
    with pytest.raises(ValueError, match="in \\[0, 1\\]"):
        Masking(masked=0.8, random=0.3)


def loader(**options: int) -> PretrainingBatches:
    return PretrainingBatches(
        numbered(6, 8), encode, SPECIALS, length=5, batch_size=4, max_length=24, **options
    )


def test_batches_are_a_function_of_seed_and_epoch() -> None:
    batches = loader(window=3)
    whole = list(batches.batches(1))
    assert len(whole) == len(batches) == 5
    for first, second in zip(whole[2:], batches.batches(1, start=2), strict=True):
        for one, other in zip(first, second, strict=True):
            np.testing.assert_array_equal(one, other)
    assert any(
        one.shape != other.shape or (one != other).any()
        for one, other in zip(whole[0], next(islice(batches.batches(2), 1)), strict=True)
    )
    tokens, segments, lengths, places, hidden, follows = whole[0]
    assert tokens.shape == segments.shape
    assert places.shape == hidden.shape
    assert set(follows) <= {0, 1}
    assert (lengths <= 24).all()
    for row in range(4):
        own = tokens[row, : lengths[row]]
        assert (own[0], own[-1], (own == 2).sum()) == (1, 2, 2)
        assert segments[row, np.flatnonzero(own == 2)[0] + 1] == 1
        real = hidden[row] != IGNORED
        assert real.any()
        assert (places[row][real] < lengths[row]).all()


def test_text_without_a_pair() -> None:
    batches = PretrainingBatches(["1 2"], encode, SPECIALS, length=1)
    with pytest.raises(ValueError, match="no pair"):
        next(batches.batches(0))
