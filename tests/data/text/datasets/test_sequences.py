from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from toolkit.data.text.datasets import load_dataset
from toolkit.data.text.datasets.sequences import treebanks


@pytest.mark.parametrize(
    ("name", "split", "file", "row", "sample"),
    [
        ("CoNLL2000", "train", "train.txt.gz", "a N B-NP", (["a"], ["N"], ["B-NP"])),
        ("CoNLL2001-2", "testa", "testa2", "a N B X", (["a"], ["N"], ["B"], ["X"])),
        ("CoNLL2002-esp", "testb", "esp.testb", "año O", (["año"], ["O"])),
        ("CoNLL2002-ned", "train", "ned.train.gz", "a N B-LOC", (["a"], ["B-LOC"])),
        ("CoNLL2003", "testa", "valid.txt", "a N B O", (["a"], ["N"], ["B"], ["O"])),
        ("WNUT17", "test", "emerging.test.annotated", "a\tO", (["a"], ["O"])),
    ],
)
def test_fixtures(
    name: str, split: str, file: str, row: str, sample: tuple, tmp_path: Path
) -> None:
    raw = f"{row}\n".encode("latin-1" if "2002" in name else "utf-8")
    (tmp_path / file).write_bytes(gzip.compress(raw) if file.endswith(".gz") else raw)
    assert list(load_dataset(name, split, root=tmp_path)) == [sample]


@pytest.mark.parametrize("name", ["ATIS", "SNIPS"])
def test_intents(name: str, tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    for file, line in {"seq.in": "a b", "seq.out": "O B-x", "label": "go"}.items():
        (tmp_path / "dev" / file).write_text(f"{line}\n")
    assert load_dataset(name, "dev", root=tmp_path)[0] == (["a", "b"], ["O", "B-x"], "go")


@pytest.mark.parametrize(
    ("name", "archive", "files", "first"),
    [
        (
            "SNIPS",
            "snips-f22420cc.zip",
            {"dev_sentence.txt": "a b", "dev_tags.txt": "O B-x", "dev_intent.txt": "go"},
            (["a", "b"], ["O", "B-x"], "go"),
        ),
        (
            "CoNLL2004",
            "conll04st-release.tar.gz",  # told by what is in it, not by its name
            {
                "words.dev.gz": "No",
                "synt.dev.pred.gz": "UH O *",
                "ne.dev.pred.gz": "O",
                "props.dev.gz": "-",
            },
            (["No"], ["UH"], ["O"], ["*"], ["O"], ["-"]),
        ),
    ],
)
def test_published_archives(
    name: str, archive: str, files: dict[str, str], first: tuple, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / archive, "w") as packed:
        for file, text in files.items():
            packed.writestr(f"folder/{file}", f"{text}\n")
    assert list(load_dataset(name, "dev", root=tmp_path)) == [first]


def test_roles_stand_in_several_files(tmp_path: Path) -> None:
    for file, text in {
        "words.dev.gz": "He\nsaid\n\nNo\n",
        "synt.dev.pred.gz": "PRP B-NP (S*\nVBD B-VP *S)\n\nUH O *\n",
        "ne.dev.pred.gz": "O\nO\n\nO\n",
        "props.dev.gz": "- (A0*A0)\nsay (V*V)\n\n-\n",
    }.items():
        (tmp_path / file).write_bytes(gzip.compress(text.encode()))
    first, second = load_dataset("CoNLL2004", "dev", root=tmp_path)
    assert first == (
        *(["He", "said"], ["PRP", "VBD"], ["B-NP", "B-VP"], ["(S*", "*S)"], ["O", "O"]),
        *(["-", "say"], ["(A0*A0)", "(V*V)"]),
    )
    assert second == (["No"], ["UH"], ["O"], ["*"], ["O"], ["-"])


def test_treebanks_have_the_splits_that_were_published(tmp_path: Path) -> None:
    banks = treebanks()
    assert len(banks) == 102
    assert banks["ar_pud"] == ("test",)
    line = "\t".join(["1", "dog", "dog", "NOUN", *"__", "0", "root", *"__"])
    (tmp_path / "af-ud-dev.conllu").write_text(line + "\n\n")
    (sentence,) = load_dataset("UD-af", "dev", root=tmp_path)
    assert (sentence[0].form, sentence[0].head) == ("dog", 0)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "folder", "counts"),
    [
        ("UD-English-EWT", "ud_ewt", {"train": 12544, "dev": 2001}),
        ("WNUT17", "wnut17", {"train": 3394, "dev": 1009}),
        ("CoNLL2000", "nltk/packages/corpora", {"train": 8936, "test": 2012}),
        ("ATIS", "intent_slots/data/atis", {"train": 4478, "dev": 500, "test": 893}),
    ],
)
def test_real_counts(name: str, folder: str, counts: dict[str, int], data_root: Path) -> None:
    for split, count in counts.items():
        assert len(load_dataset(name, split, root=data_root / folder)) == count


@pytest.mark.realdata
def test_real_trees_hang_together(data_root: Path) -> None:
    for sentence in load_dataset("UD-English-EWT", "dev", root=data_root / "ud_ewt"):
        words = [token for token in sentence if token.in_tree]
        assert [int(w.id) for w in words] == list(range(1, len(words) + 1))
        assert [w.head for w in words].count(0) == 1
        assert all(w.head is not None and w.head <= len(words) for w in words)
