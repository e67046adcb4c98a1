from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.data.text.datasets import DATASETS, load_dataset


def test_rows_are_whole() -> None:
    assert len(DATASETS) > 50
    for name, row in DATASETS.items():
        assert row.layouts, name
        assert row.source, name
        for layout in row.layouts:
            assert layout.splits, name
            assert callable(layout.read)
            for files in layout.splits.values():
                assert files
                assert not any("{" in file for file in files), (name, files)


@pytest.mark.parametrize(
    ("name", "split", "files", "sample"),
    [
        ("WikiText2", "valid", {"wiki.valid.tokens": " a b \n"}, ["a", "b"]),
        ("WikiText103Raw", "test", {"wiki.test.raw": "a\n"}, ["a"]),
        ("PTB", "test", {"ptb.test.txt": "a <unk>\n"}, ["a", "<unk>"]),
        ("Text8", "train", {"text8": "a b"}, "a b"),
        ("Enwik8", "valid", {"valid.txt.raw": "<a>\n"}, "<a>\n"),
        ("Enwik8Bytes", "valid", {"valid.txt": "60 97\n"}, ["60", "97"]),
    ],
)
def test_fixtures(
    name: str, split: str, files: dict[str, str], sample: object, tmp_path: Path
) -> None:
    for file, content in files.items():
        (tmp_path / file).write_text(content, encoding="utf-8")
    assert load_dataset(name, split, root=tmp_path)[0] == sample


@pytest.mark.realdata
def test_real_words(data_root: Path) -> None:
    for split, count in {"train": 887521, "valid": 70390, "test": 78669}.items():
        assert sum(map(len, load_dataset("PTB", split, root=data_root / "ptb"))) == count
    folder = data_root / "wikitext2/word_language_model/data/wikitext-2"
    assert sum(map(len, load_dataset("WikiText2", "valid", root=folder))) == 213886


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "folder", "counts"),
    [
        ("Multi30k-en-de", "multi30k/data/task1/raw", {"train": 29000, "val": 1014, "test": 1000}),
        ("Multi30k-en-fr", "multi30k/data/task1/raw", {"train": 29000, "val": 1014, "test": 1000}),
    ],
)
def test_real_counts(name: str, folder: str, counts: dict[str, int], data_root: Path) -> None:
    for split, count in counts.items():
        assert len(load_dataset(name, split, root=data_root / folder)) == count


@pytest.mark.realdata
def test_real_answers_are_where_they_are_said_to_be(data_root: Path) -> None:
    questions = load_dataset("XQuAD", "test", root=data_root / "xquad")
    assert len(questions) == 786
    for question in questions:
        assert question.answers
        for answer in question.answers:
            end = answer.start + len(answer.text)
            assert question.context[answer.start : end] == answer.text
