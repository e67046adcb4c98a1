from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from toolkit.data.text.datasets import list_datasets, load_dataset

# Those of https://github.com/mfaruqui/eval-word-vectors.
FARUQUI = {
    "EN-MC-30.txt": "MillerCharles30",
    "EN-MEN-TR-3k.txt": "MEN",
    "EN-MTurk-287.txt": "RadinskyMTurk",
    "EN-MTurk-771.txt": "MTurk771",
    "EN-RG-65.txt": "RubensteinGoodenough65",
    "EN-RW-STANFORD.txt": "RareWords",
    "EN-SIMLEX-999.txt": "SimLex999",
    "EN-SimVerb-3500.txt": "SimVerb3500",
    "EN-VERB-143.txt": "BakerVerb143",
    "EN-WS-353-ALL.txt": "WordSim353",
    "EN-WS-353-REL.txt": "WordSim353-relatedness",
    "EN-WS-353-SIM.txt": "WordSim353-similarity",
    "EN-YP-130.txt": "YangPowersVerb130",
}


@pytest.mark.parametrize(("file", "name"), FARUQUI.items())
def test_the_thirteen_sets_of_one_form(file: str, name: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text("a\tb\t0.5\n")
    assert load_dataset(name, "all", root=tmp_path)[0] == ("a", "b", 0.5)


@pytest.mark.parametrize(
    ("name", "split", "files", "sample"),
    [
        (
            "BakerVerb143",
            "all",
            {"verb_similarity dataset.txt": "a\tb\t" + "\t".join("0123456789") + "\t0.5\n"},
            ("a", "b", 0.5),
        ),
        ("SimVerb3500", "dev", {"SimVerb-500-dev.txt": "a\tb\tV\t1\tX\n"}, ("a", "b", 1.0)),
        ("RadinskyMTurk", "all", {"Mtruk.csv": "a,b,1\n"}, ("a", "b", 1.0)),
        ("MEN", "all", {"MEN_dataset_natural_form_full": "a b 50\n"}, ("a", "b", 50.0)),
        ("MEN", "dev", {"MEN_dataset_lemma_form.dev": "a-n b-v 50\n"}, ("a", "b", 50.0)),
        ("RareWords", "all", {"rw.txt": "a\tb\t5\t1\t2\n"}, ("a", "b", 5.0)),
        (
            "SimLex999",
            "all",
            {"SimLex-999.txt": "word1\tword2\tPOS\tS\na\tb\tN\t3\n"},
            ("a", "b", 3),
        ),
        (
            "SemEval17Task2-fa",
            "trial",
            {"fa.trial.data.txt": "a\tb\n", "fa.trial.gold.txt": "1\n"},
            ("a", "b", 1.0),
        ),
    ],
)
def test_published_files(
    name: str, split: str, files: dict[str, str], sample: object, tmp_path: Path
) -> None:
    for file, content in files.items():
        (tmp_path / file).write_text(content, encoding="utf-8")
    assert load_dataset(name, split, root=tmp_path)[0] == sample


@pytest.mark.parametrize(
    ("name", "split", "archive", "members"),
    [
        ("SimLex999", "all", "SimLex-999.zip", {"S/SimLex-999.txt": "x\na\tb\tN\t1\n"}),
        (
            "SimVerb3500",
            "test",
            "D16-1235.Attachment.zip",
            {"data/SimVerb-3000-test.txt": "a b V 1"},
        ),
        ("RareWords", "all", "rw.zip", {"rw/rw.txt": "a b 1"}),
        (
            "SemEval17Task2",
            "test",
            "semeval2017-task2.zip",
            {
                f"SemEval17-Task2/test/subtask1-monolingual/{file}": text
                for file, text in {
                    "data/en.test.data.txt": "a\tb",
                    "keys/en.test.gold.txt": "1",
                }.items()
            },
        ),
        (
            "WordSim353",
            "all",
            "ws353simrel.tar.gz",  # whatever it is called
            {
                f"w/wordsim_{kind}_goldstandard.txt": "a b 1"
                for kind in ("relatedness", "similarity")
            },
        ),
    ],
)
def test_published_archives(
    name: str, split: str, archive: str, members: dict[str, str], tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / archive, "w") as packed:
        for member, text in members.items():
            packed.writestr(member, text)
    assert list(load_dataset(name, split, root=tmp_path)) == [("a", "b", 1.0)]


def test_both_analogy_sets_are_there() -> None:
    assert list_datasets(task="word analogy") == ["BiggerAnalogy", "GoogleAnalogy"]


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "folder", "count"),
    [
        ("WordSim353", "wordsim/data/word-sim", 353),
        ("WordSim353-relatedness", "wordsim/data/word-sim", 252),
        ("WordSim353-similarity", "wordsim/data/word-sim", 203),
        ("SimLex999", "wordsim/data/word-sim", 999),
        ("GoogleAnalogy", "analogy_google", 19544),
    ],
)
def test_real_counts(name: str, folder: str, count: int, data_root: Path) -> None:
    assert len(load_dataset(name, "all", root=data_root / folder)) == count
