from __future__ import annotations

import hashlib
import re
from collections import Counter
from pathlib import Path

import pytest

from toolkit.data.text.embedding import get_embedding, list_embeddings
from toolkit.data.text.embedding.published import PublishedVectors
from toolkit.data.text.embedding.published import published as rows


def test_the_table() -> None:
    kinds = Counter((row.source, row.subwords) for row in rows())
    assert kinds == {
        ("glove", False): 10,
        ("word2vec", False): 3,
        ("fasttext", False): 486,
        ("fasttext", True): 454,
    }
    assert all(re.fullmatch("[0-9a-f]{40}", row.sha1) for row in rows())
    assert len({(row.source, row.file) for row in rows()}) == 953


def test_names() -> None:
    assert "glove.6B.50d" in list_embeddings("glove.6B.*")
    assert list_embeddings("*", source="word2vec")[0] == "GoogleNews-vectors-negative300"
    with pytest.raises(ValueError, match=r"unknown embedding 'glove\.6b\.50d'; did you mean glove"):
        get_embedding("glove.6b.50d")
    with pytest.raises(ValueError, match="unknown fastText model with subwords 'glove"):
        get_embedding("glove.6B.50d", subwords=True)


def test_fetched_once_and_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"a 1 2\n"
    row = PublishedVectors("glove", "tiny", "tiny.txt", hashlib.sha1(content).hexdigest())
    monkeypatch.setattr("toolkit.data.text.embedding.published.published", lambda: (row,))
    mirror = tmp_path / "mirror"
    (mirror / "gluon/embeddings/glove").mkdir(parents=True)
    (mirror / "gluon/embeddings/glove/tiny.txt").write_bytes(content)
    monkeypatch.setenv("TOOLKIT_REPO", mirror.as_uri())
    monkeypatch.setenv("TOOLKIT_OFFLINE", "1")
    table = get_embedding("tiny", root=tmp_path / "cache", progress=False)
    assert table["a"].tolist() == [1, 2]
    assert (tmp_path / "cache/glove/tiny.txt").is_file()
