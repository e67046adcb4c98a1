from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from toolkit.data.text.embedding import SubwordVectors, load_embedding


def test_kinds_are_told_apart(tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text("2 3\n<unk> 1 2 3\nb 4 5 6\n")
    table = load_embedding(text, progress=False)
    assert table["zzz"].tolist() == [1, 2, 3]
    assert load_embedding(text, progress=False, unknown="zeros")["zzz"].tolist() == [0, 0, 0]
    binary = tmp_path / "a.bin"
    numbers = np.array([1.5, -2, 3], "<f4").tobytes()
    binary.write_bytes(b"2 3\na " + numbers + b"\nb " + numbers)
    assert load_embedding(binary, progress=False)["b"].tolist() == [1.5, -2, 3]
    text.rename(tmp_path / "named.bin")
    assert load_embedding(tmp_path / "named.bin", progress=False)["b"].tolist() == [4, 5, 6]


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no file .*x\.vec"):
        load_embedding(tmp_path / "x.vec")
    (tmp_path / "x.vec").write_bytes(b"")
    with pytest.raises(ValueError, match=r"x\.vec is empty"):
        load_embedding(tmp_path / "x.vec")


@pytest.mark.realdata
def test_a_real_fasttext_model(data_root: Path) -> None:
    folder = data_root / "gensim_vec/gensim/test/test_data"
    binary, text = (
        load_embedding(folder / f"lee_fasttext.{k}", progress=False) for k in ("bin", "vec")
    )
    assert (len(binary), binary.dim) == (1762, 10)
    assert binary.tokens == text.tokens
    assert np.abs(binary.vectors - text.vectors).max() < 1e-4  # the text has five digits
    assert isinstance(binary.unknown, SubwordVectors)
    expected = [-0.4736532, -0.07539331, -0.0476917]  # by gensim 4.4.0
    assert binary["unheardword"][:3].tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.realdata
def test_real_glove(data_root: Path) -> None:
    path = data_root / "glove_twitter_25d_12k/glove.twitter.27B.25d.top12k.txt"
    table = load_embedding(path, progress=False)
    assert (len(table), table.dim, table.tokens[:2]) == (11925, 25, ["the", "of"])
