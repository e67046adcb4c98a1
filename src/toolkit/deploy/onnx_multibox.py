"""What the operators of MXNet's own SSD become in ONNX, opset 13."""

from __future__ import annotations

import mxnet as mx
import numpy as np

from toolkit.deploy.onnx_builder import Call, translates
from toolkit.deploy.onnx_detection import (
    LONG,
    SuppressionRule,
    best_rows,
    chosen,
    corners,
    halves,
    padded,
)


@translates("_contrib_MultiBoxPrior")
def _prior(call: Call) -> str:
    """The boxes depend on the feature's size alone, so they are a constant."""
    size = [call.fixed(axis) for axis in call.axes_of()[2:]]
    names = ("sizes", "ratios", "clip", "steps", "offsets")
    given = {name: value for name in names if (value := call.get(name)) is not None}
    boxes = mx.nd.contrib.MultiBoxPrior(mx.nd.zeros((1, 1, *size)), **given)
    return call.add("Identity", [call.constant(boxes.asnumpy(), "boxes")])


@translates("_contrib_MultiBoxDetection")
def _detection(call: Call) -> str:
    """Rows of class, score and corners, the best first; suppressed ones lose their class only.

    Beyond ``nms_topk`` MXNet leaves scores and corners of boxes without a class; here are -1.
    """
    overlap = float(call.get("nms_threshold", 0.5))
    if not 0 < overlap <= 1:
        raise call.unsupported("without suppression")
    total = call.fixed(call.axes_of(2)[1])
    limit = int(call.get("nms_topk", -1))
    count = min(limit, total) if limit > 0 else total
    classed = not call.get("force_suppress", False)
    rule = SuppressionRule(overlap, -0.5, classed, background=-1, identity=0, score=1, corner=2)
    rows, scores = best_rows(call, _candidates(call), count, rule)
    mask = chosen(call, rows, scores, rule)
    mask = call.add("Unsqueeze", [mask, call.integers([2], "mask.axes")], "mask.column")
    names = [f"{call.name}.row.{i}" for i in range(2)]
    sizes = call.integers([1, 5], "row.sizes")
    ids, others = call.builder.several("Split", [rows, sizes], names, axis=2)
    stays = call.add("Greater", [mask, call.constant(0, "no")], "stays.here")
    ids = call.add("Where", [stays, ids, call.constant(-1, "none.id")], "ids.left")
    if count == total:
        return call.add("Concat", [ids, others], axis=2)
    found = call.add("Concat", [ids, others], "kept.rows", axis=2)
    return padded(call, found, total - count)


def _candidates(call: Call) -> str:
    """Each box with its best class but the background; -1 throughout where that scores too low."""
    probs, codes, _ = call.inputs
    ends = [call.integers([n], part) for n, part in ((1, "from"), (np.iinfo(LONG).max, "to"))]
    objects = call.add("Slice", [probs, *ends, call.integers([1], "class.axis")], "objects")
    best = call.reduced("ReduceMax", objects, [1], "best.score")
    ids = call.cast(call.add("ArgMax", [objects], "best.class", axis=1), np.float32, "best.id")
    columns = [call.add("Transpose", [x], f"{x}.column", perm=[0, 2, 1]) for x in (ids, best)]
    boxes = _boxes(call, call.add("Reshape", [codes, call.integers([0, -1, 4], "four")], "codes"))
    rows = call.add("Concat", [*columns, boxes], "rows", axis=2)
    limit = call.constant(float(call.get("threshold", 0.01)), "threshold")
    found = call.add("GreaterOrEqual", [columns[1], limit], "found")
    return call.add("Where", [found, rows, call.constant(-1, "nothing.found")], "candidates")


def _boxes(call: Call, codes: str) -> str:
    variances = call.constant(call.get("variances", (0.1, 0.1, 0.2, 0.2)), "variances")
    codes = call.add("Mul", [codes, variances], "scaled")
    low, high = halves(call, call.inputs[2], "anchors")
    sizes = call.add("Sub", [high, low], "sizes")
    half = call.constant(0.5, "half.size")
    middles = call.add("Mul", [call.add("Add", [low, high], "ends"), half], "middles")
    moves, scales = halves(call, codes, "parts")
    boxes = corners(call, (moves, scales), (middles, sizes), "decoded")
    if not call.get("clip", True):
        return boxes
    return call.add("Clip", [boxes, *(call.constant(n, f"edge{n}") for n in (0, 1))], "clipped")


@translates("_contrib_box_encode")
def _encode(call: Call) -> list[str]:
    """The codes of each anchor's own object, and a mask; zeros where an anchor has none."""
    samples, matches, anchors, references, means, stds = call.inputs
    last = call.integers([-1], "last")
    places = call.add("Unsqueeze", [call.cast(matches, LONG, "ids"), last], "places")
    objects = call.add("GatherND", [references, places], "objects", batch_dims=1)
    (middles, sizes), (own, spans) = (_centres(call, x) for x in (anchors, objects))
    moves = call.add("Div", [call.add("Sub", [own, middles], "apart"), sizes], "moves")
    scales = call.add("Log", [call.add("Div", [spans, sizes], "ratio")], "scales")
    codes = call.add("Concat", [moves, scales], "raw", axis=-1)
    codes = call.add("Div", [call.add("Sub", [codes, means], "centred"), stds], "codes")
    sampled = call.add("Greater", [samples, call.constant(0.5, "some")], "sampled")
    sampled = call.add("Unsqueeze", [sampled, last], "sampled.column")
    zero, one = (call.constant(n, f"number{n}") for n in (0, 1))
    shape = call.shape(call.builder.axes(call.name), "shape")
    mask = call.add("Where", [sampled, one, zero], "mask.column")
    return [
        call.add("Where", [sampled, codes, zero]),
        call.add("Expand", [mask, shape], "mask"),
    ]


def _centres(call: Call, boxes: str) -> tuple[str, str]:
    low, high = halves(call, boxes, f"{boxes}.ends")
    size = call.add("Sub", [high, low], f"{boxes}.size")
    half = call.constant(0.5, f"{boxes}.half")
    return call.add(
        "Add", [low, call.add("Mul", [size, half], f"{boxes}.part")], f"{boxes}.middle"
    ), size
