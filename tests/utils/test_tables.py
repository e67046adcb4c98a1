"""Columns line up, numbers stand right, and a narrow terminal cuts the last column."""

from __future__ import annotations

import sys

import pytest

from toolkit.utils import tables


def test_columns_line_up() -> None:
    text = tables.render(("name", "n"), [("resnet18", 7), ("a", 1000)], width=0)
    assert text.splitlines() == ["name         n", "resnet18     7", "a         1000"]


@pytest.mark.parametrize("cell", ["7", "-1.5", "1,000", "2.5e-07"])
def test_numbers_stand_right(cell: str) -> None:
    assert tables.render(("title of it",), [(cell,)], width=0).splitlines()[1] == cell.rjust(11)


@pytest.mark.parametrize("cell", ["121e1579", "1.2.3", "7 ms", "nan"])
def test_what_only_looks_like_a_number_stands_left(cell: str) -> None:
    assert tables.render(("title of it",), [(cell,)], width=0).splitlines()[1] == cell


def test_words_stand_left_without_trailing_spaces() -> None:
    text = tables.render((), [("key", "value"), ("longer", "v")], width=0)
    assert text.splitlines() == ["key     value", "longer  v"]


@pytest.mark.parametrize("width", [20, 30])
def test_the_last_column_is_cut_to_the_width(width: int) -> None:
    lines = tables.render((), [("name", "x" * 100), ("other", "y")], width=width).splitlines()
    assert len(lines[0]) == width
    assert lines[0].endswith("x…")
    assert lines[1] == "other  y"


def test_a_very_narrow_terminal_leaves_some_of_the_last_column() -> None:
    assert tables.render((), [("n" * 40, "x" * 100)], width=20).endswith("  xxxxxxx…")


def test_what_is_piped_is_never_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert "x" * 100 in tables.render((), [("name", "x" * 100)])


def test_a_terminal_s_width_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert len(tables.render((), [("name", "x" * 100)])) == 20


def test_no_rows() -> None:
    assert tables.render(("a", "b"), [], width=0) == "a  b"
    assert tables.render((), [], width=0) == ""


def test_an_uneven_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="argument"):
        tables.render(("a",), [("1", "2")], width=0)
