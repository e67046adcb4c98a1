from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.data.text.datasets import load_dataset
from toolkit.data.text.datasets.glue_tasks import SETS

HEADER = "index\tsentence1\tsentence2"


@pytest.mark.parametrize(
    ("name", "split", "text", "sample"),
    [
        ("GLUE-CoLA", "train", "gj04\t1\t\tIt rained.\n", ("It rained.", 1)),
        ("GLUE-CoLA", "test", "index\tsentence\n0\tIt rained.\n", ("It rained.",)),
        ("GLUE-SST-2", "dev", "sentence\tlabel\nfine \t1\n", ("fine", 1)),
        ("GLUE-STS-B", "dev", f"{HEADER}\tscore\n0\ta\tb\t4.75\n", ("a", "b", 4.75)),
        ("GLUE-RTE", "test", f"{HEADER}\n0\ta\tb\n", ("a", "b")),
        ("GLUE-MNLI", "dev_mismatched", f"{HEADER}\tgold_label\n0\ta\tb\tneutral\n", ("a", "b", 2)),
    ],
)
def test_samples(name: str, split: str, text: str, sample: tuple, tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / name.removeprefix("GLUE-")):
        folder.mkdir(exist_ok=True)
        (folder / f"{split}.tsv").write_text(text)
        assert list(load_dataset(name, split, root=tmp_path)) == [sample]
        (folder / f"{split}.tsv").unlink()


def test_every_task_has_its_splits() -> None:
    assert len(SETS) == 9
    for name, row in SETS.items():
        splits = set(row.layouts[0].splits)
        if name != "GLUE-MNLI":
            assert splits == {"train", "dev", "test"}, name
    assert "test_matched" in SETS["GLUE-MNLI"].layouts[0].splits


def test_faults_are_named(tmp_path: Path) -> None:
    (tmp_path / "test.tsv").write_text("index\tsentence\n0\n")
    with pytest.raises(ValueError, match=r"test\.tsv, line 2: 1 columns, at least 2 are needed"):
        load_dataset("GLUE-SST-2", "test", root=tmp_path)


@pytest.mark.realdata
def test_real_counts(data_root: Path) -> None:
    folder = data_root / "glue/glue_data"
    for name, counts in {"GLUE-CoLA": (8551, 1043), "GLUE-SST-2": (67349, 872)}.items():
        for split, count in zip(("train", "dev"), counts, strict=True):
            assert len(load_dataset(name, split, root=folder)) == count
