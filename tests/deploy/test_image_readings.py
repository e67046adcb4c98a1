from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from toolkit.data.vision import PRESETS
from toolkit.data.vision.transforms import denormalize
from toolkit.deploy.image_readings import READINGS, Person, see_all, see_person

PRESET = replace(PRESETS["pose_256"], size=(64, 48), mean=(0,) * 3, std=(1,) * 3)


def picture() -> np.ndarray:
    image = np.zeros((80, 100, 3), np.uint8)
    image[20:60, 30:60] = 255
    return image


def test_all_of_a_picture_is_seen_at_any_aspect() -> None:
    seen = see_all(picture(), PRESET)
    assert (seen.pixels.shape, seen.size, seen.window) == ((3, 64, 48), (80, 100), None)
    assert seen.scale == (100 / 48, 80 / 64)


def test_a_person_is_in_the_middle_with_a_margin() -> None:
    seen = see_person(Person(picture(), (30, 20, 60, 60)), PRESET)
    assert (seen.pixels.shape, seen.size, seen.box) == ((3, 64, 48), (80, 100), (30, 20, 60, 60))
    bright = denormalize(seen.pixels)[..., 0] > 127
    # The box has the aspect of the window, of which it fills four fifths.
    for axis in (0, 1):
        assert bright.any(axis).mean() == pytest.approx(0.8, abs=0.03)
    assert seen.window is not None
    assert seen.window.center == (45, 40)


def test_without_a_box_all_of_the_picture_is_the_person() -> None:
    seen = see_person(picture(), PRESET)
    assert seen.window is not None
    assert (seen.window.width, seen.box) == (100, (0, 0, 100, 80))


@pytest.mark.parametrize("task", READINGS)
def test_tasks_say_what_they_find(task: str) -> None:
    reading = READINGS[task]
    assert reading.places == (reading.kind != "classes")
    assert reading.top >= 1
