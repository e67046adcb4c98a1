from __future__ import annotations

import hashlib
import io
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.data.text.datasets import DATASETS, list_datasets, load, load_dataset
from toolkit.data.text.datasets.source import DatasetError


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


def test_a_file_without_samples_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "train.txt").touch()
    with pytest.raises(DatasetError, match=r"train\.txt: no samples"):
        load_dataset("TREC", root=tmp_path)


def test_what_is_not_there_says_where_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"not fetched for you: the Reuters corpus .* NIST"):
        load_dataset("CoNLL2003")
    with pytest.raises(
        FileNotFoundError, match=r"for val\.en\.gz with val\.de\.gz\. It is published"
    ):
        load_dataset("Multi30k-en-de", "val")
    with pytest.raises(FileNotFoundError, match=r"published at https.*give its folder as root"):
        load_dataset("TREC", root=tmp_path)


Mirror = Callable[[str, str, str, bytes], Path]


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mirror:
    """Makes a mirror that has one file of one data set; gives the folder of the cache."""

    def make(dataset: str, file: str, url_path: str, content: bytes) -> Path:
        row = load.Mirrored(dataset, file, url_path, "", hashlib.sha1(content).hexdigest())
        monkeypatch.setattr(load, "mirrored", lambda: (row,))
        place = tmp_path / "mirror" / url_path
        place.parent.mkdir(parents=True)
        place.write_bytes(content)
        for key, value in {
            "TOOLKIT_REPO": (tmp_path / "mirror").as_uri(),
            "TOOLKIT_OFFLINE": "1",
            "TOOLKIT_HOME": str(tmp_path / "home"),
        }.items():
            monkeypatch.setenv(key, value)
        return tmp_path / "home/datasets"

    return make


def test_mirrors_are_asked_where_no_folder_is_given(mirror: Mirror) -> None:
    file, content = "test-ff9ad0ce.json", b'[["Who ?", 3]]'
    cache = mirror("TREC", file, "gluon/dataset/trec/x.json", content)
    assert load_dataset("TREC", "test")[0] == ("Who ?", 3)
    assert (cache / "trec" / file).is_file()


def test_an_archive_serves_all_sets_that_are_in_it(mirror: Mirror) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("iwslt15/train.en", "a\n")
        archive.writestr("iwslt15/train.vi", "b\n")
    cache = mirror("IWSLT2015", "iwslt15.zip", "iwslt15.zip", packed.getvalue())
    assert load_dataset("IWSLT2015-vi-en", "train")[0] == ("b", "a")
    assert load_dataset("IWSLT2015", "train")[0] == ("a", "b")
    assert [path.name for path in cache.rglob("*.zip")] == ["iwslt15.zip"]


def test_mirrored_files_are_files_of_the_table() -> None:
    known: dict[str, set[str]] = {}
    for name, row in DATASETS.items():
        for layout in row.layouts:
            for files in layout.splits.values():
                named = known.setdefault(row.home or name, set())
                named.update(file.partition("!")[0] for file in files)
    rows = load.mirrored()
    assert len(rows) > 100
    for row in rows:
        assert row.file in known[row.dataset], row
        assert re.fullmatch("[0-9a-f]{40}", row.sha1)
    assert len({(row.dataset, row.file) for row in rows}) == len(rows)
