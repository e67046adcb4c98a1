from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from toolkit.data.text.datasets import DATASETS, list_datasets, load_dataset

CUT = "tok.bpe.32000"


@pytest.mark.parametrize(
    ("name", "split", "files"),
    [
        ("IWSLT2015", "val", ("tst2012.en", "tst2012.vi")),
        ("IWSLT2015-vi-en", "train", ("train.vi", "train.en")),
        ("WMT2014", "test", ("newstest2014.en", "newstest2014.de")),
        ("WMT2014", "test", ("newstest2014.src.en", "newstest2014.ref.de")),
        ("WMT2014-de-en", "newstest2014", ("newstest2014.src.de", "newstest2014.ref.en")),
        ("WMT2014", "newstest2014-full", ("newstest2014.full.en", "newstest2014.full.de")),
        ("WMT2014", "newstest2009", ("newstest2009.en", "newstest2009.de")),
        ("WMT2016-de-en", "val", ("newstest2015.de", "newstest2015.en")),
        (
            "WMT2014BPE",
            "train",
            ("train.tok.clean.bpe.32000.en", "train.tok.clean.bpe.32000.de"),
        ),
        ("WMT2014BPE", "val", (f"newstest2013.{CUT}.en", f"newstest2013.{CUT}.de")),
        ("WMT2014BPE", "test", (f"newstest2014.{CUT}.src.en", f"newstest2014.{CUT}.ref.de")),
        ("WMT2014BPE-de-en", "test", (f"newstest2014.{CUT}.src.de", f"newstest2014.{CUT}.ref.en")),
        ("WMT2016BPE", "test", (f"newstest2016.{CUT}.en", f"newstest2016.{CUT}.de")),
        ("Multi30k-fr-en", "val", ("val.fr.gz", "val.en.gz")),
    ],
)
def test_fixtures(name: str, split: str, files: tuple[str, str], tmp_path: Path) -> None:
    for file, text in zip(files, ("a@@ b\nc\n", "d\ne f\n"), strict=True):
        (tmp_path / file).write_text(text)
    assert list(load_dataset(name, split, root=tmp_path)) == [("a@@ b", "d"), ("c", "e f")]


def test_published_archives(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "wmt2014bpe_de_en-ace8f41c.zip", "w") as archive:
        for language in ("en", "de"):
            archive.writestr(f"wmt2014/train.tok.clean.bpe.32000.{language}", f"{language}@@ x\n")
    dataset = load_dataset("WMT2014BPE-de-en", "train", root=tmp_path)
    assert list(dataset) == [("de@@ x", "en@@ x")]


def test_every_set_has_what_training_needs() -> None:
    names = list_datasets(task="translation")
    assert len(names) > 10
    for name in names:
        for layout in DATASETS[name].layouts:
            assert {"train", "val", "test"} <= set(layout.splits), name
