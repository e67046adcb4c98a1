"""What MXNet's deformable convolutions become in ONNX, opset 19.

Dai et al., 2017, https://arxiv.org/abs/1703.06211, and with a mask Zhu et al., 2018,
https://arxiv.org/abs/1811.11168.
"""

from __future__ import annotations

import numpy as np

from toolkit.deploy.onnx_builder import Call, translates


@translates("_contrib_ModulatedDeformableConvolution")
def _modulated(call: Call) -> str:
    data, offset, mask, *weights = call.inputs
    return _convolution(call, data, [offset, mask], weights)


@translates("_contrib_DeformableConvolution")
def _deformable(call: Call) -> str:
    """MXNet sees the picture's edge otherwise here than with a mask, and than ONNX does.

    A place past the last row, by less than one, counts as in the last row, not as halfway to zero,
    and one before the first row is zero. So places are moved back to the edge, and a mask hides
    those outside.
    """
    data, offset, *weights = call.inputs
    size = np.array([call.fixed(axis) for axis in call.axes_of()[2:]], np.float32)
    base = call.constant(_places(call), "places")
    places = call.add("Add", [offset, base], "seen")
    edges = np.tile(size, _count(call)).reshape(1, -1, 1, 1)
    last = call.add("Min", [places, call.constant(edges - 1, "edges")], "kept")
    moved = call.add("Sub", [last, base], "moved")
    above = call.add("GreaterOrEqual", [places, call.constant(0, "zero")], "above")
    below = call.add("Less", [places, call.constant(edges, "ends")], "below")
    inside = call.cast(call.add("And", [above, below], "both"), np.float32, "inside")
    # Of each place the row and the column must be inside.
    halves = (_every_second(call, inside, first) for first in (0, 1))
    mask = call.add("Mul", [*halves], "mask")
    return _convolution(call, data, [moved, mask], weights)


def _every_second(call: Call, value: str, first: int) -> str:
    limits = {"begin": first, "end": np.iinfo(np.int64).max, "axis": 1, "step": 2}
    rows = [call.integers([n], f"from{first}.{part}") for part, n in limits.items()]
    return call.add("Slice", [value, *rows], f"from{first}")


def _count(call: Call) -> int:
    """How many places a result is made of, over all groups of offsets."""
    return int(call.get("num_deformable_group", 1)) * int(np.prod(call.get("kernel")))


def _places(call: Call) -> np.ndarray:
    """Row and column of each place where nothing is moved: ``(1, 2 * places, H, W)``."""
    rows, columns = (call.fixed(axis) for axis in call.builder.axes(call.name)[2:])
    kernel, ones = call.get("kernel"), (1, 1)
    steps = [
        np.arange(count) * stride - pad
        for count, stride, pad in zip(
            (rows, columns), call.get("stride") or ones, call.get("pad") or (0, 0), strict=True
        )
    ]
    dilate = call.get("dilate") or ones
    grid = [
        np.stack(
            np.broadcast_arrays(steps[0][:, None] + i * dilate[0], steps[1][None] + j * dilate[1])
        )
        for i in range(kernel[0])
        for j in range(kernel[1])
    ]
    groups = int(call.get("num_deformable_group", 1))
    return np.concatenate(grid * groups).astype(np.float32)[None]


def _convolution(call: Call, data: str, moves: list[str], weights: list[str]) -> str:
    offset, mask = moves
    weight, *bias = weights
    return call.add(
        "DeformConv",
        [data, weight, offset, *(bias or [""]), mask],
        group=int(call.get("num_group", 1)),
        offset_group=int(call.get("num_deformable_group", 1)),
        dilations=list(call.get("dilate") or (1, 1)),
        kernel_shape=list(call.get("kernel")),
        strides=list(call.get("stride") or (1, 1)),
        pads=list(call.get("pad") or (0, 0)) * 2,
    )
