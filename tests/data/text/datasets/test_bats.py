from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.data.text.datasets import bats, load_dataset
from toolkit.data.text.datasets.source import DatasetError


def test_every_pair_asks_for_every_other(sources: Callable) -> None:
    questions = bats.read(sources("arm\tarmless/unarmed\nart artless\n\nhat\thatless\n"))
    assert questions[0] == ("0", "arm", "armless", "art", "artless")
    assert len(questions) == len(set(questions)) == 3 * 2
    with pytest.raises(DatasetError, match="line 2: expected a word and its answers, got 'a'"):
        bats.read(sources("a b\na\n"))


@pytest.mark.parametrize("folder", ["", "BATS_3.0"])
def test_all_relations_are_read(folder: str, tmp_path: Path) -> None:
    assert len(set(bats.FILES)) == 40
    for name in bats.FILES:
        file = Path(folder) / name
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("a b\nc d\n")
    questions = load_dataset("BiggerAnalogy", "all", root=tmp_path)
    assert len(questions) == 40 * 2
    assert questions[0] == ("I01 [noun - plural_reg]", "a", "b", "c", "d")
    assert questions[-1] == ("L10 [antonyms - binary]", "c", "d", "a", "b")
