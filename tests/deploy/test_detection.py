from __future__ import annotations

import numpy as np
import pytest

from toolkit.deploy import Detection
from toolkit.deploy.detection import detect

ROWS = np.array(
    [
        [[1, 0.5, 1, 2, 3, 4], [0, 0.9, 5, 6, 7, 8], [-1, -1, -1, -1, -1, -1]],
        [[-1] * 6] * 3,
    ],
    np.float32,
)
OUTPUTS = [ROWS[..., :1], ROWS[..., 1:2], ROWS[..., 2:]]


def test_objects_come_best_first_and_filling_does_not() -> None:
    first, second = detect(OUTPUTS, ["a", "b"], 10)
    assert [(p.label, p.index) for p in first] == [("a", 0), ("b", 1)]
    assert first[1] == Detection("b", 1, 0.5, (1, 2, 3, 4))
    assert second == []
    assert [p.label for p in detect(OUTPUTS, None, 1)[0]] == ["class 0"]


def test_boxes_follow_the_picture() -> None:
    assert Detection("a", 0, 0.5, (1, 2, 3, 4)).scaled(2, 10).box == (2, 20, 6, 40)


def test_what_is_no_detector_is_refused() -> None:
    with pytest.raises(ValueError, match=r"this network gave \[\(2, 5\)\]"):
        detect([np.zeros((2, 5))], None, 5)
    with pytest.raises(ValueError, match="1 labels for a network that finds class 1"):
        detect(OUTPUTS, ["a"], 5)
