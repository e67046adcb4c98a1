from __future__ import annotations

import pytest

from toolkit.utils.options import parse_options


@pytest.mark.parametrize(
    ("pair", "wanted"),
    [
        ("layers=2", 2),
        ("head=fcn", "fcn"),
        ("layout={'size': 32}", {"size": 32}),
        ("padded=True", True),
        ("path=a=b", "a=b"),
        ("empty=", ""),
    ],
)
def test_values_are_literals_or_else_text(pair, wanted):
    (value,) = parse_options([pair]).values()
    assert value == wanted
    assert type(value) is type(wanted)


def test_the_later_one_counts():
    assert parse_options(["a=1", "b=2", "a=3"]) == {"a": 3, "b": 2}


@pytest.mark.parametrize("pair", ["layers", "=2", "two words=3"])
def test_what_is_no_option_is_refused(pair):
    with pytest.raises(ValueError, match=f"NAME=VALUE, such as layers=2; got '{pair}'"):
        parse_options([pair])
