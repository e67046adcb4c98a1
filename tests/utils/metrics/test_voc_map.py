"""VOC's mean average precision against its definition, written out in loops."""

from __future__ import annotations

from pathlib import Path

import mxnet as mx
import numpy as np
import pytest

from toolkit.utils.metrics.voc_map import (
    FORMS,
    HIT,
    IGNORED,
    MISS,
    VOCMeanAP,
    match_detections,
    precision_area,
    precision_at_11,
)

CLASSES = ("cat", "cow", "dog")
KINDS = ("ground-truth", "detection-results")
# What the package mean-average-precision 2024.1.5.0 gives for them.
OUTSIDE = {"area": 0.310477167, "11 points": 0.316965073}


def overlap(a: list[float], b: list[float], edge: float) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0]) + edge
    height = min(a[3], b[3]) - max(a[1], b[1]) + edge
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(c[2] - c[0] + edge) * (c[3] - c[1] + edge) for c in (a, b)]
    return width * height / (sum(areas) - width * height)


def reference(objects: list[tuple], found: list[tuple], form: str, edge: float = 0) -> float:
    """One class. Objects: (image, box, difficult). Found: (image, box, score)."""
    total = sum(not hard for _, _, hard in objects)
    taken, right, wrong, curve = set(), 0, 0, [(0.0, 0.0)]
    for image, box, _ in sorted(found, key=lambda one: -one[2]):
        best, most = None, -1.0
        for number, (where, other, _) in enumerate(objects):
            if where == image and overlap(box, other, edge) > most:
                best, most = number, overlap(box, other, edge)
        if best is not None and most >= 0.5:
            if objects[best][2]:
                continue
            right, wrong = (right, wrong + 1) if best in taken else (right + 1, wrong)
            taken.add(best)
        else:
            wrong += 1
        curve.append((right / total, right / (right + wrong)))
    if form == "11 points":
        levels = [i / 10 - 1e-9 for i in range(11)]
        return sum(max((p for r, p in curve if r >= x), default=0) for x in levels) / 11
    area, before = 0.0, 0.0
    for place, (recall, _) in enumerate(curve):
        area += (recall - before) * max(p for _, p in curve[place:])
        before = recall
    return area


def scene(rng: np.random.Generator, images: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Padded labels and outputs; detections are objects that were moved a little, or are wrong."""
    corners = rng.integers(0, 60, (images, 6, 2))
    boxes = np.concatenate([corners, corners + rng.integers(5, 40, (images, 6, 2))], 2)
    ids = rng.integers(-1, 3, (images, 6))
    difficult = rng.random((images, 6)) < 0.2
    detected = np.concatenate([boxes, boxes, boxes[:, ::-1]], 1)
    detected = detected + rng.integers(-4, 5, detected.shape)
    found = np.concatenate([ids, ids, rng.integers(-1, 3, (images, 6))], 1)[..., None]
    scores = rng.permutation(found.size).reshape(found.shape) / found.size
    return [boxes, ids, difficult], [found, scores, detected]


def of_class(
    place: int, labels: list[np.ndarray], outputs: list[np.ndarray]
) -> tuple[list[tuple], list[tuple]]:
    boxes, ids, difficult = labels
    found, scores, detected = outputs
    objects = [
        (i, boxes[i, r].tolist(), difficult[i, r]) for i, r in np.argwhere(ids == place).tolist()
    ]
    return objects, [
        (i, detected[i, r].tolist(), scores[i, r, 0])
        for i, r in np.argwhere(found[..., 0] == place).tolist()
    ]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_equals_the_definition_over_all_batches(form: str, inclusive: bool, seed: int) -> None:
    labels, outputs = scene(np.random.default_rng(seed), 12)
    metric = VOCMeanAP(CLASSES, form, inclusive=inclusive)
    for part in (slice(0, 5), slice(5, 12)):
        metric.update(*([mx.nd.array(array[part]) for array in s] for s in (labels, outputs)))
    expected = {
        f"voc_map/{name}": reference(*of_class(place, labels, outputs), form, float(inclusive))
        for place, name in enumerate(CLASSES)
    }
    assert 0.2 < min(expected.values()) < max(expected.values()) < 0.95
    expected["voc_map"] = np.mean(list(expected.values()))
    assert metric.get() == pytest.approx(expected, abs=1e-6)
    metric.reset()
    metric.update(*([list(array) for array in s] for s in (labels, outputs)))  # one by one
    assert metric.get() == pytest.approx(expected, abs=1e-6)


def test_a_curve_known_by_hand() -> None:
    hits = np.array([True, False, True])  # precision 1, 1/2, 2/3 at recall 1/4, 1/4, 1/2
    assert precision_area(hits, 4) == pytest.approx(1 / 4 + 2 / 3 / 4)
    assert precision_at_11(hits, 4) == pytest.approx((3 * 1 + 3 * 2 / 3) / 11)
    # 3 of 10 is a recall of 0.3: four levels are reached.
    assert precision_at_11(np.array([True] * 3), 10) == pytest.approx(4 / 11)
    assert precision_area(np.array([], bool), 4) == precision_at_11(np.array([], bool), 4) == 0


def test_who_claims_what() -> None:
    overlaps = np.array([[0.6, 0.7, 0.0], [0.5, 0.9, 0.0], [0.49, 0, 0], [0, 0, 0.8], [0.5, 0, 0]])
    worth = match_detections(overlaps, np.array([False, False, True]))
    # The second claims what is taken, though another object is free.
    assert worth.tolist() == [HIT, MISS, MISS, IGNORED, HIT]
    assert match_detections(np.zeros((2, 0)), np.zeros(0, bool)).tolist() == [MISS, MISS]


def test_images_and_classes_without_objects() -> None:
    nothing = np.zeros((1, 0, 4)), np.zeros((1, 0))
    box = np.array([[[0.0, 0, 9, 9]]])
    metric = VOCMeanAP(CLASSES, "area")
    metric.update(nothing, (np.full((1, 1, 1), -1), np.full((1, 1, 1), -1), box))
    with pytest.raises(ValueError, match="voc_map of nothing: no objects in 1 images"):
        metric.get()
    metric.update((box, np.zeros((1, 1))), (np.zeros((1, 1, 1)), np.full((1, 1, 1), 0.5), box))
    metric.update(nothing, (np.zeros((1, 1, 1)), np.full((1, 1, 1), 0.9), box))
    metric.update(nothing, (np.ones((1, 1, 1)), np.full((1, 1, 1), 0.9), box))
    assert metric.get() == {"voc_map": 0.5, "voc_map/cat": 0.5}
    assert np.isnan(metric.per_class()["cow"])
    metric.update((box, np.ones((1, 1))), [np.zeros((1, 0, k)) for k in (1, 1, 4)])
    assert metric.get()["voc_map/cow"] == 0  # an object, and nothing right


def test_errors() -> None:
    with pytest.raises(ValueError, match="unknown form of average precision '11 point'"):
        VOCMeanAP(CLASSES, "11 point")
    with pytest.raises(ValueError, match=r"threshold must be in \(0, 1\], got 50"):
        VOCMeanAP(CLASSES, threshold=50)
    with pytest.raises(ValueError, match="names of at least one class, got 'cat'"):
        VOCMeanAP("cat")
    metric = VOCMeanAP(CLASSES)
    labels, (ids, scores, boxes) = scene(np.random.default_rng(0), 2)
    with pytest.raises(ValueError, match="class index 3 of 3 classes"):
        metric.update(labels, (np.full_like(ids, 3), scores, boxes))
    with pytest.raises(ValueError, match="detections have no finite score"):
        metric.update(labels, (ids, scores * np.nan, boxes))
    with pytest.raises(ValueError, match=r"are of \[2, 2, 2, 1, 2, 2\] images"):
        metric.update(labels, (ids[:1], scores, boxes))
    with pytest.raises(ValueError, match=r"an image has \[18, 17, 18\] class indices"):
        metric.update(labels, (ids, scores[:, 1:], boxes))


def split(rows: list[list[str]], names: list[str], skip: int) -> tuple[np.ndarray, np.ndarray]:
    numbers = np.array([row[skip:] for row in rows], np.float64).reshape(-1, 4)
    return numbers, np.array([names.index(row[0]) for row in rows])


def numbered(images: list[list[list[str]]]) -> list[tuple[int, list[str]]]:
    return [(number, row) for number, rows in enumerate(images) for row in rows]


@pytest.mark.realdata
@pytest.mark.parametrize("form", FORMS)
def test_real_detections(data_root: Path, form: str) -> None:
    folder = data_root / "map_demo85" / "input"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    truth, seen = (
        [[line.split() for line in path.read_text().splitlines()] for path in sorted(some)]
        for some in (folder.joinpath(kind).glob("*.txt") for kind in KINDS)
    )
    assert len(truth) == len(seen) == 85
    names = sorted({row[0] for rows in truth + seen for row in rows})
    metric = VOCMeanAP(names, form, inclusive=True)
    boxes, ids = zip(*(split(rows, names, 1) for rows in truth), strict=True)
    detected, found = zip(*(split(rows, names, 2) for rows in seen), strict=True)
    scores = [np.array([float(row[1]) for row in rows]) for rows in seen]
    metric.update((boxes, ids), (found, scores, detected))
    expected = {
        f"voc_map/{name}": reference(
            [(i, [*map(float, r[1:])], False) for i, r in numbered(truth) if r[0] == name],
            [(i, [*map(float, r[2:])], float(r[1])) for i, r in numbered(seen) if r[0] == name],
            form,
            1.0,
        )
        for name in {row[0] for rows in truth for row in rows}
    }
    expected["voc_map"] = np.mean(list(expected.values()))
    assert metric.get() == pytest.approx(expected, abs=1e-6)
    assert expected["voc_map"] == pytest.approx(OUTSIDE[form], abs=1e-6)
