from __future__ import annotations

import numpy as np
import pytest

from toolkit.model_zoo import read_labels
from toolkit.utils.skeletons import COCO_PERSON, Skeleton, find_skeleton, mirror_of


def test_names_tell_what_is_what_in_a_mirror() -> None:
    names = ("nose", "left ear", "right ear", "toes of the right foot", "toes of the left foot")
    assert mirror_of(names) == (0, 2, 1, 4, 3)
    with pytest.raises(ValueError, match="joint 'left ear' has no counterpart 'right ear'"):
        mirror_of(names[:2])


def test_coco() -> None:
    assert COCO_PERSON.labels == read_labels("coco_keypoints")
    pairs = {tuple(sorted(pair)) for pair in enumerate(COCO_PERSON.mirror)}
    assert pairs == {(0, 0), *((i, i + 1) for i in range(1, 17, 2))}
    # What is joined on the left is joined on the right.
    bones = {frozenset(bone) for bone in COCO_PERSON.bones}
    assert bones == {frozenset(COCO_PERSON.mirror[joint] for joint in bone) for bone in bones}
    assert {label for i, label in enumerate(COCO_PERSON.labels) if i not in COCO_PERSON.upper} == {
        f"{side} {part}" for side in ("left", "right") for part in ("hip", "knee", "ankle")
    }


def test_deviations_are_the_official_ones() -> None:
    params = pytest.importorskip("pycocotools.cocoeval").Params("keypoints")
    np.testing.assert_allclose(COCO_PERSON.deviations, params.kpt_oks_sigmas)


def test_a_known_one_is_found_by_its_names() -> None:
    assert find_skeleton(list(COCO_PERSON.labels)) is COCO_PERSON
    assert find_skeleton(["a", "b"]) == Skeleton(("a", "b"))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"labels": ("a", "a")}, "given twice: a, a"),
        ({"labels": ("a", "b"), "bones": ((0, 2),)}, "joints 0 to 2 of 2 joints"),
        ({"labels": ("a", "b"), "upper": (-1,)}, "joints -1 to -1 of 2 joints"),
        ({"labels": ("a", "b"), "deviations": (0.1,)}, "1 deviations of 2 joints"),
    ],
)
def test_numbers_must_fit(fields: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Skeleton(**fields)
