from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.data.text.datasets import load_dataset

FIXTURES = {
    "MR": ("all", "rt-polarity.all", "1 caf\xe9\n", ("café", 1)),
    "CR": ("all", "custrev.all", "0 bad\n", ("bad", 0)),
    "MPQA": ("all", "all-bcbfeed8.json", '[["x", 1]]', ("x", 1)),
    "SUBJ": ("all", "subj.all", "0 x\n", ("x", 0)),
    "SST_1": ("dev", "stsa.fine.dev", "4 great\n", ("great", 4)),
    "SST_2": ("test", "stsa.binary.test", "1 great\n", ("great", 1)),
    "IMDB": ("train", "train.json", '[["x", 10]]', ("x", 10)),
    "TREC": ("test", "test-ff9ad0ce.json", '[["Who ?", 3], ["What ?", 0]]', ("Who ?", 3)),
    "SICK": (
        "test",
        "SICK_test_annotated.txt",
        "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment\n1\ta\tb\t3\tNEUTRAL\n",
        ("a", "b", 2),
    ),
    "SNLI": (
        "dev",
        "snli_1.0_dev.jsonl",
        '{"sentence1": "a", "sentence2": "b", "gold_label": "entailment"}\n',
        ("a", "b", 1),
    ),
    "MNLI": (
        "dev_matched",
        "multinli_1.0_dev_matched.txt",
        "gold_label\tsentence1\tsentence2\n-\tx\ty\ncontradiction\ta\tb\n",
        ("a", "b", 0),
    ),
    "XNLI-zh": ("dev", "xnli/dev.tsv", "?\t?\t?\na\tb\tneutral\n", ("a", "b", 2)),
    "LCQMC": ("test", "task_data/lcqmc/test.tsv", "?\t?\t?\na\tb\t1\n", ("a", "b", 1)),
    "ChnSentiCorp": ("train", "chnsenticorp/train.tsv", "?\t?\n0\t差\n", ("差", 0)),
    "SuperGLUE-BoolQ": ("val", "val.jsonl", '{"label": true}\n', {"label": True}),
    "SuperGLUE-AX-b": ("test", "AX-b.jsonl", '{"idx": 1}\n', {"idx": 1}),
}


@pytest.mark.parametrize("name", FIXTURES)
def test_fixtures(name: str, tmp_path: Path) -> None:
    split, file, content, sample = FIXTURES[name]
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(content, encoding="latin-1" if name == "MR" else "utf-8")
    assert load_dataset(name, split, root=tmp_path)[0] == sample


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "folder", "counts"),
    [
        ("TREC", "nltk/packages/corpora", {"train": 5452, "test": 500}),
        ("MR", "sent_conv/data", {"all": 10662}),
        ("SST_1", "sent_conv/data", {"train": 8544, "dev": 1101}),
        ("SICK", "dataset_sts/sick2014", {"train": 4500, "dev": 500}),
        ("SICK-R", "dataset_sts/sick2014", {"train": 4500, "dev": 500}),
    ],
)
def test_real_counts(name: str, folder: str, counts: dict[str, int], data_root: Path) -> None:
    for split, count in counts.items():
        assert len(load_dataset(name, split, root=data_root / folder)) == count
