from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from toolkit.data.text import Vocab
from toolkit.data.text.embedding import TokenEmbedding, load_embedding


def test_lookups(table: TokenEmbedding, vectors: np.ndarray) -> None:
    assert (len(table), table.dim) == (5, 3)
    assert table["cat"].tolist() == vectors[1].tolist()
    both = table[["Dog", "never"]]
    assert (both.dtype, both.tolist()) == (np.float32, [vectors[2].tolist(), [0, 0, 0]])
    assert table[[]].shape == (0, 3)
    assert ("cat" in table, "CAT" in table, 3 in table) == (True, False, False)
    matrix, there = table.to_matrix(["cat", "x"])
    assert (matrix.shape, there.tolist()) == ((2, 3), [True, False])


def test_policies_for_unknown_tokens(table: TokenEmbedding, vectors: np.ndarray) -> None:
    def stand_in(unknown: object) -> np.ndarray:
        return TokenEmbedding(table.tokens, vectors, unknown=unknown)["caat"]

    assert stand_in("zeros").tolist() == [0, 0, 0]
    assert stand_in("mean").tolist() == vectors.mean(0).tolist()
    assert stand_in("<unk>").tolist() == vectors[3].tolist()
    assert stand_in(lambda token: np.full(3, len(token))).tolist() == [4, 4, 4]
    with pytest.raises(KeyError, match="no vector for 'caat'; near it: cat"):
        stand_in("raise")
    with pytest.raises(ValueError, match=r"unknown policy for unknown tokens .* 'zeroes'; did you"):
        stand_in("zeroes")


def test_lower_case_is_tried(vectors: np.ndarray) -> None:
    table = TokenEmbedding(["a", "B"], vectors[:2], lower=True, unknown="raise")
    assert table["A"].tolist() == vectors[0].tolist()
    assert ("A" in table, "b" in table) == (True, False)


def test_what_does_not_fit(vectors: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"1 tokens and vectors of shape \(5, 3\)"):
        TokenEmbedding(["a"], vectors)
    with pytest.raises(ValueError, match="tokens must differ, 'a' is there twice"):
        TokenEmbedding(["a", "b", "a"], vectors[:3])


@pytest.mark.parametrize("unknown", ["zeros", "<unk>"])
def test_files(unknown: str, table: TokenEmbedding, vectors: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "table.npz"
    TokenEmbedding(table.tokens, vectors, unknown=unknown).save(path)
    again = load_embedding(path)
    assert isinstance(again.vectors, np.memmap)
    assert again.tokens == table.tokens
    assert again["naïve"].tolist() == vectors[4].tolist()
    assert again.unknown == "<unk>"  # of the table, if no other was asked for
    assert load_embedding(path, unknown="mean").unknown == "mean"
    gluonnlp = np.load(path, allow_pickle=True)
    assert gluonnlp["idx_to_token"].tolist() == table.tokens
    assert str(gluonnlp["unknown_token"]) == ("<unk>" if unknown == "<unk>" else "")


def test_attached_to_a_vocabulary(table: TokenEmbedding, vectors: np.ndarray) -> None:
    vocab = Vocab({"cat": 2, "naïve": 1})
    vocab.set_embedding(table)
    assert vocab.embedding is not None
    assert vocab.embedding[vocab[["cat", "naïve", "zzz"]]].tolist() == [
        vectors[1].tolist(),
        vectors[4].tolist(),
        vectors[3].tolist(),  # "<unk>" is a token of both
    ]
