from __future__ import annotations

from pathlib import Path

from toolkit.data.text.datasets import DATASETS, LARGE, load_dataset
from toolkit.data.text.datasets.gluonnlp_names import GLUONNLP


def test_names_are_those_of_rows() -> None:
    assert len(GLUONNLP) > 20
    for name, ours in GLUONNLP.items():
        assert name == name.lower()
        assert ours in DATASETS or ours in LARGE, name
        assert name not in DATASETS


def test_a_set_has_both_names(tmp_path: Path) -> None:
    (tmp_path / "questions-words.txt").write_text(": x\na b c d\n")
    dataset = load_dataset("GoogleAnalogyTestSet", "all", root=tmp_path)
    assert (dataset.name, dataset[0]) == ("GoogleAnalogy", ("x", "a", "b", "c", "d"))
