from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from toolkit.data.vision import draw_objects, draw_regions, read_image, write_png
from toolkit.data.vision.drawing import class_color
from toolkit.utils.boxes import BoxError

PLAIN = np.full((120, 160, 3), 128, np.uint8)
BOXES = np.array([[20.0, 40, 80, 90], [-30, -5, 15, 300]])


def test_boxes_are_drawn_in_the_colour_of_their_class():
    drawn = draw_objects(PLAIN, BOXES[:1], np.array([3]), labels=["a", "b", "c", "d"])
    assert tuple(drawn[60, 20]) == class_color(3)
    assert tuple(drawn[89, 50]) == class_color(3)
    assert (drawn[45:85, 25:75] == 128).all()  # not filled
    assert (PLAIN == 128).all()  # a copy
    assert class_color(3) != class_color(4)


def test_what_scores_little_or_is_filling_is_not_drawn():
    ids, scores = np.array([[0], [-1], [1]]), np.array([[0.3], [0.9], [float("nan")]])
    boxes = np.array([[1.0, 1, 50, 50], [10, 10, 60, 60], [20, 20, 70, 70]])
    assert (draw_objects(PLAIN, boxes, ids, scores=scores) == 128).all()
    assert (draw_objects(PLAIN, boxes, ids, scores=scores, least=0.2) != 128).any()


def test_the_best_is_on_top():
    boxes = np.array([BOXES[0], BOXES[0]])
    for scores, top in (([0.9, 0.8], 0), ([0.6, 0.8], 1)):
        drawn = draw_objects(PLAIN, boxes, np.array([0, 1]), scores=np.array(scores))
        assert tuple(drawn[60, 20]) == class_color(top)


def test_boxes_beyond_the_picture_and_none_at_all():
    bad = np.array([[np.nan, 0, 9, 9], [300, 300, 400, 400], [9, 9, 9, 9]])
    assert draw_objects(PLAIN, np.concatenate([BOXES, bad]), np.zeros(5)).shape == PLAIN.shape
    assert (draw_objects(PLAIN, np.zeros((0, 4)), np.zeros(0)) == 128).all()


def test_masks_are_tinted():
    mask = np.zeros((1, 120, 160), bool)
    mask[0, 50:60, 30:40] = True
    drawn = draw_objects(PLAIN, BOXES[:1], np.array([0]), masks=mask, opacity=0.5)
    expected = (np.array(class_color(0)) + 128) / 2
    np.testing.assert_allclose(drawn[55, 35], expected, atol=1)
    assert (drawn[70, 35] == 128).all()


def test_errors():
    with pytest.raises(BoxError, match="2 boxes have 1 scores"):
        draw_objects(PLAIN, BOXES, np.zeros(2), scores=np.ones(1))
    with pytest.raises(ValueError, match="uint8"):
        draw_objects(PLAIN / 255, BOXES, np.zeros(2))


def test_pictures_are_written_whole(tmp_path: Path):
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    write_png(tmp_path / "new" / "a.png", image)
    np.testing.assert_array_equal(read_image(tmp_path / "new" / "a.png"), image)


def test_regions_are_tinted_and_named():
    left = np.zeros((120, 160), bool)
    left[:, :80] = True
    drawn = draw_regions(PLAIN, [left, ~left], [0, 3], opacity=0.5)
    for x, index in ((40, 0), (120, 3)):
        expected = (np.array(class_color(index)) + 128) / 2
        np.testing.assert_allclose(drawn[60, x], expected, atol=1)
    named = draw_regions(PLAIN, [left], [0], labels=["road"], opacity=0.0)
    changed = (named != 128).any(2)
    assert changed.any()
    assert not changed[:, 80:].any()  # the name stands in the middle of its region
    assert (draw_regions(PLAIN, [], []) == 128).all()


def test_regions_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="1 class indices have 0 masks"):
        draw_regions(PLAIN, [], [1])
    with pytest.raises(ValueError, match=r"a mask of \(2, 2\) for an image of \(120, 160\)"):
        draw_regions(PLAIN, [np.zeros((2, 2), bool)], [1])
    with pytest.raises(ValueError, match="uint8"):
        draw_regions(PLAIN / 255, [], [])
