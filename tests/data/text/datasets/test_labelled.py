from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from toolkit.data.text.datasets.labelled import (
    json_lines,
    json_rows,
    label_first,
    objects,
    places,
    question_classes,
    table,
)
from toolkit.data.text.datasets.source import DatasetError


def test_lines_with_a_label(sources: Callable) -> None:
    read = label_first(("0", "1"))
    text = "1 good , \u00e9\n\n0 bad \n1 a\0b\n"
    assert read(sources(text, encoding="latin-1")) == [("good , é", 1), ("bad", 0), ("a\0b", 1)]
    assert read(sources("")) == []
    with pytest.raises(DatasetError, match=r"0\.txt, line 2: unknown label '7'; known: 0, 1"):
        read(sources("1 a\n7 b\n"))


def test_questions(sources: Callable) -> None:
    read = question_classes(("DESC", "LOC"))
    assert read(sources("LOC:city Where is it ?\nDESC:def What : ?\n")) == [
        ("Where is it ?", 1),
        ("What : ?", 0),
    ]


def test_columns_by_their_places(sources: Callable) -> None:
    read = places((2, 0), 1, ("no", "yes"))
    assert read(sources("h\th\th\na\tyes \tb\n\n")) == [("b", "a", 1)]
    assert places((0,), 1, ("0", "1"), header=False)(sources("a\t1\n")) == [("a", 1)]
    with pytest.raises(DatasetError, match="line 2: 2 columns, expected 3"):
        read(sources("h\na\tyes\n"))
    with pytest.raises(DatasetError, match="line 2: unknown label 'yess'; did you mean yes"):
        read(sources("h\na\tyess\tb\n"))


def test_json_rows(sources: Callable) -> None:
    rows = json.dumps([["a", 0], ["b", 1]])
    assert json_rows()(sources(rows)) == [("a", 0), ("b", 1)]
    assert json_rows((1, 0))(sources(rows)) == [("a", 1), ("b", 0)]
    for broken in ("{", '["a"]', "3", '[["a", "x"]]'):
        with pytest.raises(DatasetError, match=r"line 1: no JSON list of \[text, label\]"):
            json_rows()(sources(broken))


def test_tables(sources: Callable) -> None:
    text = 'id\tb\tl\ta\n1\t"x\tyes\ty\n2\tz\t-\tw\n'
    assert table(("a", "b"), "l", ("no", "yes"), skip="-")(sources(text)) == [("y", '"x', 1)]
    assert table(("a",), "id")(sources(text)) == [("y", 1.0), ("w", 2.0)]
    with pytest.raises(DatasetError, match="line 3: unknown label '-'"):
        table(("a",), "l", ("no", "yes"))(sources(text))
    with pytest.raises(DatasetError, match="line 2: 'yes' is no number"):
        table(("a",), "l")(sources(text))
    with pytest.raises(DatasetError, match="line 1: no column 'c'"):
        table(("c",), "l")(sources(text))
    with pytest.raises(DatasetError, match="line 2: 2 columns, expected 4"):
        table(("a",), "l")(sources("id\tb\tl\ta\n1\t2\n"))


def test_json_lines(sources: Callable) -> None:
    rows = [{"s": "a", "l": "yes"}, {"s": "b", "l": "-"}]
    text = "\n".join(map(json.dumps, rows))
    assert json_lines(("s", "l"), ("no", "yes"))(sources(text)) == [("a", 1)]
    assert objects(sources(text)) == rows
    with pytest.raises(DatasetError, match="line 2: no JSON object with"):
        json_lines(("s", "l"), ("yes",))(sources('{"s": "", "l": "yes"}\n{"s": 1}'))
    with pytest.raises(DatasetError, match="line 1: no JSON object"):
        objects(sources("{"))
