"""What data sets do with boxes that are none."""

from __future__ import annotations

import numpy as np
import pytest

from toolkit.data.vision.box_rules import BoxRule, describe_box
from toolkit.utils.boxes import BoxError

GOOD = [1, 2, 30, 20]
SIZE = (24, 40)


def judge(rule: BoxRule, *boxes: list[float]) -> tuple[list, list]:
    array = np.array(boxes, np.float32)
    cut, kept = rule(array, SIZE, lambda place: describe_box("a.xml", place, "cat", array[place]))
    return cut.tolist(), kept.tolist()


@pytest.mark.parametrize(
    "bad", [[5, 5, 5, 9], [9, 9, 5, 5], [float("nan"), 1, 2, 3], [30, 1, 50, 9], [60, 1, 70, 9]]
)
def test_what_is_none_raises_or_goes(bad: list[float]) -> None:
    with pytest.raises(BoxError, match=r"a.xml: object 1, a cat, has the box .* of 40 x 24 pix"):
        judge(BoxRule(), GOOD, bad)
    assert judge(BoxRule("skip"), GOOD, bad)[1] == [True, False]


def test_clipping_keeps_what_is_left() -> None:
    cut, kept = judge(BoxRule("clip"), [30, 1, 50, 9], [60, 1, 70, 9])
    assert kept == [True, False]
    assert cut[0] == [30, 1, 40, 9]


def test_a_pixel_beyond_is_always_cut() -> None:
    cut, kept = judge(BoxRule(), [-1, 2, 41, 20])
    assert (cut, kept) == ([[0, 2, 40, 20]], [True])


def test_an_unknown_way_names_the_near_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown way with invalid boxes 'skipp'.*skip"):
        BoxRule("skipp")
