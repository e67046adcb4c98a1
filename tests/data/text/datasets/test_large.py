from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.data.text.datasets import LARGE, open_dataset

FILE = "training-monolingual.tokenized.shuffled/news.en-000{:02d}-of-00100"


@pytest.mark.parametrize("folder", ["", LARGE["GBW"].folder])
def test_lines_come_file_by_file(folder: str, tmp_path: Path) -> None:
    for number in range(4):
        file = tmp_path / folder / FILE.format(number)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"line {number} .\nnext {number} .\n")
    stream = open_dataset("GBW", root=tmp_path)
    lines = list(stream)
    assert sorted(lines[::2]) == [f"line {number} ." for number in range(4)]
    assert [line.replace("line", "next") for line in lines[::2]] == lines[1::2]
    orders = {tuple(stream.at_epoch(epoch)) for epoch in range(8)}
    assert len(orders) > 1


def test_the_test_split_is_one_file(tmp_path: Path) -> None:
    file = tmp_path / LARGE["GBW"].splits["test"]
    file.parent.mkdir()
    file.write_text("a b\n")
    assert list(open_dataset("GBW", "test", root=tmp_path)) == ["a b"]


def test_what_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"gbw has no GBW train.*lm-benchmark"):
        open_dataset("GBW")
    with pytest.raises(ValueError, match="did you mean GBW"):
        open_dataset("GBV")
    with pytest.raises(ValueError, match="unknown split of GBW 'valid'; known: test, train"):
        open_dataset("GBW", "valid")
