"""Heat maps of joints: drawn as what a network is to give, and read as places."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np

from toolkit.data.vision.transforms.geometry import Size, height_width
from toolkit.utils.registry import unknown

CUT = 3  # deviations from its middle at which a bell ends
BLUR = 11  # cells of the filter before the second derivatives
SURE = 0.2  # score of a joint that counts for its pose


def draw_heatmaps(
    joints: np.ndarray,
    size: Size,
    *,
    stride: int = 4,
    deviation: float = 2.0,
    exact: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """What a network is to give: a bell of height 1 around each joint.

    Args:
        joints: ``(J, 3)``: x and y in pixels of the image that the network sees, and above 0 where
            the joint is labelled.
        size: Of that image.
        stride: Its pixels to a cell; cell ``i`` stands for pixel ``stride * i``.
        deviation: Of the bell, in cells; beyond three of them it is 0.
        exact: The bell is around the place, and not around the nearest cell: Zhang et al., 2019,
            https://arxiv.org/abs/1910.06278, section 3.2.

    Returns:
        Maps ``(J, H / stride, W / stride)`` and weights ``(J,)``, float32: 1, or 0 for a joint that
        is not labelled or whose bell is beyond the map.
    """
    grid = [side // stride for side in height_width(size)]
    places = np.asarray(joints, np.float64)[:, 1::-1] / stride  # y, x
    if not exact:
        places = np.floor(places + 0.5)
    labelled, bells = joints[:, 2] > 0, []
    for middle, cells in zip(places.T, grid, strict=True):
        offsets = np.arange(cells) - middle[:, None]
        bell = np.exp(-(offsets**2) / (2 * deviation**2))
        bells.append(np.where(np.abs(offsets) <= CUT * deviation, bell, 0))
    maps = bells[0][:, :, None] * bells[1][:, None, :]
    there = labelled & maps.any((1, 2))
    return (maps * there[:, None, None]).astype(np.float32), there.astype(np.float32)


def read_heatmaps(maps: np.ndarray, refine: str = "quarter") -> tuple[np.ndarray, np.ndarray]:
    """Where the joints are.

    Args:
        maps: ``(..., H, W)``.
        refine: How the place within the highest cell is found, a name in ``REFINEMENTS``.

    Returns:
        Places ``(..., 2)`` float32, x and y in cells, and scores ``(...)``, the greatest heat.

    Raises:
        ValueError: there is no such refinement.
    """
    if refine not in REFINEMENTS:
        raise ValueError(unknown("refinement", refine, REFINEMENTS))
    *shape, height, width = maps.shape
    flat = np.ascontiguousarray(maps, np.float32).reshape(-1, height, width)
    cells = flat.reshape(len(flat), -1).argmax(1)
    scores = flat.reshape(len(flat), -1)[np.arange(len(flat)), cells]
    rows, columns = cells // width, cells % width
    places = np.stack([columns, rows], 1).astype(np.float32)
    inner = (rows > 0) & (rows < height - 1) & (columns > 0) & (columns < width - 1)
    if inner.any():
        places[inner] += REFINEMENTS[refine](flat[inner], rows[inner], columns[inner])
    return places.reshape(*shape, 2), scores.reshape(shape)


def _around(maps: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The 3 x 3 cells around one cell of each map: ``(K, 3, 3)``."""
    steps = np.arange(-1, 2)
    y, x = rows[:, None, None] + steps[:, None], columns[:, None, None] + steps
    return maps[np.arange(len(maps))[:, None, None], y, x]


def _stay(maps: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    return np.zeros((len(maps), 2), np.float32)


def _quarter(maps: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """A quarter of a cell towards the higher neighbour, along x and along y."""
    near = _around(maps, rows, columns)
    slopes = np.stack([near[:, 1, 2] - near[:, 1, 0], near[:, 2, 1] - near[:, 0, 1]], 1)
    return 0.25 * np.sign(slopes)


def _dark(maps: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """To where the logarithm's parabola is highest: Zhang et al., 2019, arXiv 1910.06278.

    Maps are blurred before. Where that is no peak, or more than a cell away, nothing is moved.
    """
    blurred = np.stack([cv2.GaussianBlur(one, (BLUR, BLUR), 0) for one in maps])
    near = np.log(np.maximum(_around(blurred, rows, columns).astype(np.float64), 1e-10))
    dx, dy = (near[:, 1, 2] - near[:, 1, 0]) / 2, (near[:, 2, 1] - near[:, 0, 1]) / 2
    dxx = near[:, 1, 2] - 2 * near[:, 1, 1] + near[:, 1, 0]
    dyy = near[:, 2, 1] - 2 * near[:, 1, 1] + near[:, 0, 1]
    dxy = (near[:, 2, 2] - near[:, 2, 0] - near[:, 0, 2] + near[:, 0, 0]) / 4
    size = dxx * dyy - dxy**2
    peak = (dxx < 0) & (size > 0)
    moves = np.stack([dxy * dy - dyy * dx, dxy * dx - dxx * dy], 1)
    moves /= np.where(peak, size, 1)[:, None]
    near_by = peak & (np.abs(moves) <= 1).all(1)
    return np.where(near_by[:, None], moves, 0).astype(np.float32)


# From maps (K, H, W) and the row and column of each one's highest cell to steps (K, 2) from there.
REFINEMENTS: Mapping[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "quarter": _quarter,
    "dark": _dark,
    "none": _stay,
}


def flip_heatmaps(
    maps: np.ndarray, mirror: Sequence[int] | np.ndarray, *, shift: bool = True
) -> np.ndarray:
    """Heat maps ``(..., J, H, W)`` of a mirrored picture as those of the picture.

    Args:
        maps: Of the picture mirrored left to right.
        mirror: What each joint is in a mirror, as ``Skeleton.mirror`` has it.
        shift: Moves them a cell to the right: cells stand for their first pixel, which in a mirror
            is their last.
    """
    if len(mirror) != maps.shape[-3]:
        raise ValueError(f"{len(mirror)} joints in a mirror for heat maps {maps.shape}")
    flipped = np.ascontiguousarray(maps[..., list(mirror), :, ::-1])
    if shift:
        flipped[..., 1:] = flipped[..., :-1].copy()
    return flipped


def pose_scores(scores: np.ndarray, least: float = SURE) -> np.ndarray:
    """How sure poses ``(...)`` are, of joints ``(..., J)``: the mean of those above ``least``.

    It is 0 where there are none.
    """
    sure = scores > least
    total = np.where(sure, scores, 0).sum(-1)
    return total / np.maximum(sure.sum(-1), 1)
