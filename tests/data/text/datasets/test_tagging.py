from __future__ import annotations

from collections.abc import Callable

import pytest

from toolkit.data.text.datasets.source import DatasetError
from toolkit.data.text.datasets.tagging import columns, intents_and_slots, side_by_side, trees


def test_columns(sources: Callable) -> None:
    text = "-DOCSTART- x\n\na N I\nb V O\n\n\nc N B"
    assert columns(0, -1, comment="-DOC")(sources(text)) == [
        (["a", "b"], ["I", "O"]),
        (["c"], ["B"]),
    ]
    assert columns(0)(sources("")) == []
    assert columns(0, 1, separator="\t")(sources("a b\tO\n")) == [(["a b"], ["O"])]
    with pytest.raises(DatasetError, match="line 2: 1 columns, expected 2: 'b'"):
        columns(0)(sources("a N\nb\n"))


def test_columns_in_several_files(sources: Callable) -> None:
    assert side_by_side(sources("a\nb\n\n\nc\n", "N I\nV O\n\n\nN I x\n")) == [
        (["a", "b"], ["N", "V"], ["I", "O"]),
        (["c"], ["N"], ["I"], ["x"]),
    ]
    with pytest.raises(DatasetError, match=r"0\.txt, line 2: files of 2 and 1 lines"):
        side_by_side(sources("a\nb\n", "N\n"))
    with pytest.raises(DatasetError, match=r"1\.txt, line 2: 3 columns, expected 2"):
        side_by_side(sources("a\nb\n", "N\nV x\n"))
    with pytest.raises(DatasetError, match="line 2: a sentence ends in one file and not in"):
        side_by_side(sources("a\n\n", "N\nV x\n"))


def test_intents(sources: Callable) -> None:
    assert intents_and_slots(sources("a b\nc\n", "O B-x\nO\n", "i\nj\n")) == [
        (["a", "b"], ["O", "B-x"], "i"),
        (["c"], ["O"], "j"),
    ]
    with pytest.raises(DatasetError, match=r"0\.txt, line 2: files of 2, 2 and 1 lines"):
        intents_and_slots(sources("a\nb\n", "O\nO\n", "i\n"))
    with pytest.raises(DatasetError, match=r"1\.txt, line 1: 1 slots for 2 words"):
        intents_and_slots(sources("a b\n", "O\n", "i\n"))


ROW = "{}\tform\tlemma\tX\tY\t_\t{}\tdep\t_\t_\n"


def test_trees(sources: Callable) -> None:
    text = (
        "# text = x\n"
        + ROW.format("1-2", "_")
        + ROW.format(1, 0)
        + ROW.format("1.1", "_")
        + ROW.format(2, 1)
        + "\n"
    )
    first, second = trees(sources(text + ROW.format(1, 0)))
    assert [(t.id, t.head, t.in_tree) for t in first] == [
        ("1-2", None, False),
        ("1", 0, True),
        ("1.1", None, False),
        ("2", 1, True),
    ]
    assert (second[0].form, second[0].deprel) == ("form", "dep")
    with pytest.raises(DatasetError, match="line 1: 2 columns, expected 10"):
        trees(sources("1\tx\n"))
    with pytest.raises(DatasetError, match="line 1: the head 'x' is no number"):
        trees(sources(ROW.format(1, "x")))
