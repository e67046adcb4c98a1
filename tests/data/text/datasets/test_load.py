from __future__ import annotations

import hashlib
import pickle
import re
from pathlib import Path

import pytest

from toolkit.data.text.datasets import DATASETS, list_datasets, load, load_dataset


def test_names_and_splits() -> None:
    assert list_datasets("SQuAD*") == ["SQuAD1.1", "SQuAD2.0"]
    assert "CoNLL2003" in list_datasets(task="tagging")
    with pytest.raises(ValueError, match="unknown data set 'SST1'; did you mean SST_1"):
        load_dataset("SST1")
    with pytest.raises(ValueError, match="unknown split of TREC 'dev'; known: test, train"):
        load_dataset("TREC", "dev")


def test_samples(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("LOC:city Where ?\nNUM:date When ?\n")
    dataset = load_dataset("TREC", root=tmp_path)
    assert (len(dataset), dataset[-1]) == (2, ("When ?", 5))
    assert dataset.classes[dataset[0][1]] == "LOC"
    assert dataset.transform_first(str.upper)[0] == ("WHERE ?", 4)
    assert pickle.loads(pickle.dumps(dataset))[0] == dataset[0]
    with pytest.raises(IndexError, match="index 2 is out of range"):
        dataset[2]


def test_what_is_not_there_says_where_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"not fetched for you: the Reuters corpus .* NIST"):
        load_dataset("CoNLL2003")
    with pytest.raises(
        FileNotFoundError, match=r"for newstest2015\.en with newstest2015\.de\. It is"
    ):
        load_dataset("WMT2016", "val")
    with pytest.raises(FileNotFoundError, match=r"published at https.*give its folder as root"):
        load_dataset("TREC", root=tmp_path)


def test_mirrors_are_asked_where_no_folder_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b'[["Who ?", 3]]'
    row = load.Mirrored(
        *("TREC", "test-ff9ad0ce.json", "gluon/dataset/trec/x.json", ""),
        hashlib.sha1(content).hexdigest(),
    )
    monkeypatch.setattr(load, "mirrored", lambda: (row,))
    place = tmp_path / "mirror/gluon/dataset/trec"
    place.mkdir(parents=True)
    (place / "x.json").write_bytes(content)
    for key, value in {
        "TOOLKIT_REPO": (tmp_path / "mirror").as_uri(),
        "TOOLKIT_OFFLINE": "1",
        "TOOLKIT_HOME": str(tmp_path / "home"),
    }.items():
        monkeypatch.setenv(key, value)
    assert load_dataset("TREC", "test")[0] == ("Who ?", 3)
    assert (tmp_path / "home/datasets/trec/test-ff9ad0ce.json").is_file()


def test_mirrored_files_are_files_of_the_table() -> None:
    rows = load.mirrored()
    assert len(rows) > 30
    for row in rows:
        known = {
            file
            for layout in DATASETS[row.dataset].layouts
            for files in layout.splits.values()
            for file in files
        }
        assert row.file in known, row
        assert re.fullmatch("[0-9a-f]{40}", row.sha1)
