from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from toolkit.data.text.embedding import (
    TokenEmbedding,
    evaluate_similarity,
    load_embedding,
    read_pairs,
)
from toolkit.data.text.embedding.similarity import spearman, unit


def test_spearman_by_its_definition() -> None:
    assert spearman(np.array([1, 2, 3]), np.array([10, 20, 90])) == pytest.approx(1)
    assert spearman(np.array([1, 2, 3]), np.array([3, 2, 1])) == pytest.approx(-1)
    assert spearman(np.array([1, 1, 1]), np.array([1, 2, 3])) == 0
    # Ranks 0.5 0.5 2 3 and 0 1 2 3, correlated by hand.
    assert spearman(np.array([5, 5, 6, 7]), np.array([1, 2, 3, 4])) == pytest.approx(
        4.5 / 22.5**0.5
    )


def test_unit() -> None:
    assert unit(np.array([[3.0, 4.0], [0, 0]])).tolist() == pytest.approx(
        np.array([[0.6, 0.8], [0, 0]])
    )


def test_pairs_that_are_covered() -> None:
    table = TokenEmbedding(["a", "b", "c"], np.array([[1, 0], [1, 0.1], [0, 1]], np.float32))
    pairs = [("A", "b", 9.0), ("a", "c", 1.0), ("b", "c", 2.0), ("a", "x", 5.0)]
    result = evaluate_similarity(table, pairs)
    assert (result.spearman, result.covered, result.pairs) == (pytest.approx(1), 3, 4)
    assert evaluate_similarity(table, pairs, ignore_case=False).covered == 2
    with pytest.raises(ValueError, match="0 of 1 pairs have vectors"):
        evaluate_similarity(table, pairs[-1:])


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("# about\nid;x;y;z\n1;new york;city;9.5\n", encoding="utf-8")
    options = {"columns": (1, 2, 3), "separator": ";"}
    with pytest.raises(ValueError, match=r"p\.csv, line 2: no pair with a number: 'id;x;y;z'"):
        read_pairs(path, **options)
    path.write_text("id;x;y;z\n1;new york;city;9.5\n", encoding="utf-8")
    assert read_pairs(path, header=True, **options) == [("new york", "city", 9.5)]
    with pytest.raises(ValueError, match="line 1: no pair"):
        read_pairs(path)


@pytest.mark.realdata
def test_glove_on_the_real_wordsim353(data_root: Path) -> None:
    table = load_embedding(
        data_root / "glove_twitter_25d_12k/glove.twitter.27B.25d.top12k.txt", progress=False
    )
    result = evaluate_similarity(
        table, read_pairs(data_root / "wordsim/data/word-sim/EN-WS-353-ALL.txt")
    )
    assert (result.covered, result.pairs) == (284, 353)
    assert result.spearman == pytest.approx(0.42687559, abs=1e-6)  # gensim 4.4.0 says the same
