"""What MXNet's operators on boxes become in ONNX, opset 13."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from toolkit.deploy.onnx_builder import Call, translates

EVERY = np.iinfo(np.int64).max  # boxes that non-maximum suppression may keep: no limit
LONG = np.int64


@translates("_contrib_box_decode")
def _box_decode(call: Call) -> str:
    codes, anchors = call.inputs
    stds = call.constant([float(call.get(f"std{i}", 1)) for i in range(4)], "stds")
    codes = call.add("Mul", [codes, stds], "scaled")
    moves, scales = halves(call, codes, "codes")
    centers, sizes = halves(call, anchors, "anchors")
    if call.get("format", "center") == "corner":
        sizes = call.add("Sub", [sizes, centers], "sizes")
        half = call.add("Mul", [sizes, call.constant(0.5, "half.anchor")], "half.anchors")
        centers = call.add("Add", [centers, half], "centers")
    limit = float(call.get("clip", -1))
    if limit > 0:
        scales = call.add("Min", [scales, call.constant(limit, "limit")], "limited")
    return corners(call, (moves, scales), (centers, sizes))


def corners(call: Call, codes: tuple[str, str], anchors: tuple[str, str], part: str = "") -> str:
    """Boxes as corners, of offsets and log sizes seen from centres and sizes."""
    (moves, scales), (centers, sizes) = codes, anchors
    places = call.add("Mul", [moves, sizes], "moved")
    places = call.add("Add", [places, centers], "places")
    spans = call.add("Mul", [call.add("Exp", [scales], "grown"), sizes], "spans")
    half = call.add("Mul", [spans, call.constant(0.5, "half")], "halves")
    ends = [call.add(op, [places, half], op.lower()) for op in ("Sub", "Add")]
    return call.add("Concat", ends, part, axis=-1)


def halves(call: Call, value: str, part: str) -> list[str]:
    """The first two and the last two of four columns."""
    names = [f"{call.name}.{part}.{i}" for i in range(2)]
    sizes = call.integers([2, 2], f"{part}.split")
    return call.builder.several("Split", [value, sizes], names, axis=-1)


def _columns(call: Call, value: str, begin: int, end: int, part: str) -> str:
    rows = [call.integers([n], f"{part}.{i}") for i, n in enumerate((begin, end, -1))]
    return call.add("Slice", [value, *rows], part)


@dataclass(frozen=True)
class SuppressionRule:
    """How boxes are chosen among rows, and where in a row their numbers stand."""

    overlap: float
    valid: float  # what they must score more than
    classed: bool  # boxes of different classes do not suppress each other
    background: int  # a class that is none; -1 where there is no such
    identity: int  # the column of the class; -1 where there is none
    score: int
    corner: int  # the first of four


@translates("_contrib_box_nms", "_contrib_box_non_maximum_suppression")
def _box_nms(call: Call) -> str:
    """The best rows in order, then ONNX's NonMaxSuppression, class by class, on these alone.

    Its classes are as many scores a box; here a box has a score in the row of its own class and
    one below every threshold in all others.
    """
    if {call.get("in_format", "corner"), call.get("out_format", "corner")} != {"corner"}:
        raise call.unsupported("with boxes that are no corners")
    axes = call.axes_of()
    if len(axes) != 3:
        raise call.unsupported(f"with {len(axes)} axes in place of 3")
    total, width = call.fixed(axes[1]), call.fixed(axes[2])
    limit = int(call.get("topk", -1))
    count = min(limit, total) if limit > 0 else total
    identity = int(call.get("id_index", -1))
    rule = SuppressionRule(
        float(call.get("overlap_thresh", 0.5)),
        float(call.get("valid_thresh", 0)),
        identity >= 0 and not call.get("force_suppress", False),
        int(call.get("background_id", -1)),
        identity,
        int(call.get("score_index", 1)),
        int(call.get("coord_start", 2)),
    )
    rows, scores = best_rows(call, call.inputs[0], count, rule)
    found = _compact(call, (rows, chosen(call, rows, scores, rule)), count, width)
    if count == total:
        return call.add("Identity", [found])
    return padded(call, found, total - count)


def padded(call: Call, rows: str, count: int) -> str:
    """The call's result: so many rows of -1 behind the others."""
    pads = call.integers([0, 0, 0, 0, count, 0], "pads")
    return call.add("Pad", [rows, pads, call.constant(-1, "nothing")])


def best_rows(call: Call, data: str, count: int, rule: SuppressionRule) -> tuple[str, str]:
    """The rows of the best scores ``(N, count, W)``, and their scores ``(N, 1, count)``."""
    column = _columns(call, data, rule.score, rule.score + 1, "column")
    axes = call.integers([-1], "last")
    scores = call.add("Squeeze", [column, axes], "scores")
    if rule.background >= 0 and rule.identity >= 0:
        ids = _columns(call, data, rule.identity, rule.identity + 1, "ids.all")
        ids = call.add("Squeeze", [ids, axes], "ids.flat")
        behind = call.add("Equal", [ids, call.constant(rule.background, "ground")], "behind")
        scores = call.add("Where", [behind, call.constant(rule.valid, "out"), scores], "fore")
    names = [f"{call.name}.best", f"{call.name}.order"]
    length = call.integers([count], "count")
    best, order = call.builder.several("TopK", [scores, length], names, axis=1)
    return (
        _rows(call, data, order, "sorted"),
        call.add("Unsqueeze", [best, call.integers([1], "one")], "ranked"),
    )


def _rows(call: Call, data: str, order: str, part: str) -> str:
    """``(N, K, W)``: the rows of data that ``order`` ``(N, K)`` names."""
    last = call.integers([-1], f"{part}.last")
    order = call.add("Unsqueeze", [order, last], f"{part}.places")
    return call.add("GatherND", [data, order], part, batch_dims=1)


def chosen(call: Call, rows: str, scores: str, rule: SuppressionRule) -> str:
    """1 for a row that stays, else 0: ``(N, K)``."""
    boxes = _columns(call, rows, rule.corner, rule.corner + 4, "boxes")
    classed = scores
    if rule.classed:
        ids = _columns(call, rows, rule.identity, rule.identity + 1, "ids")
        ids = call.cast(call.add("Transpose", [ids], "ids.row", perm=[0, 2, 1]), LONG, "ids.long")
        greatest = call.reduced("ReduceMax", ids, None, "greatest", keep=0)
        ends = [call.constant(n, part, LONG) for n, part in ((0, "zero"), (1, "step"))]
        # One class at least: there may be none where nothing was found.
        last = call.add("Max", [greatest, ends[0]], "last.class")
        classes = call.add("Add", [last, ends[1]], "classes")
        every = call.add("Range", [ends[0], classes, ends[1]], "every")
        every = call.add("Unsqueeze", [every, call.integers([1], "every.axes")], "every.column")
        own = call.add("Equal", [ids, every], "own")
        classed = call.add("Where", [own, scores, call.constant(-1e30, "low")], "classed")
    limits = [
        call.constant([EVERY], "every.box", LONG),
        call.constant([rule.overlap], "overlap"),
        call.constant([rule.valid], "valid"),
    ]
    kept = call.add("NonMaxSuppression", [boxes, classed, *limits], "kept")
    pair = call.integers([0, 2], "pair")
    places = call.add("Gather", [kept, pair], "kept.places", axis=1)
    flat = call.add("Squeeze", [scores, call.integers([1], "flat.axes")], "flat")
    nothing = call.add("Mul", [flat, call.constant(0, "none")], "nothing.kept")
    ones = call.add("Gather", [kept, call.constant(0, "first", LONG)], "kept.first", axis=1)
    ones = call.cast(call.add("Equal", [ones, ones], "kept.true"), np.float32, "ones")
    return call.add("ScatterND", [nothing, places, ones], "mask")


def _compact(call: Call, found: tuple[str, str], count: int, width: int) -> str:
    """The rows that stay, first, and -1 behind them."""
    rows, mask = found
    ranks = call.constant(np.arange(count, 0, -1), "ranks")
    names = [f"{call.name}.left", f"{call.name}.left.order"]
    keys = call.add("Mul", [mask, ranks], "keys")
    length = call.integers([count], "left.count")
    left, order = call.builder.several("TopK", [keys, length], names, axis=1)
    rows = _rows(call, rows, order, "gathered")
    stays = call.add("Greater", [left, call.constant(0, "gone")], "stays")
    stays = call.add("Unsqueeze", [stays, call.integers([-1], "stays.axes")], "stays.column")
    return call.add("Where", [stays, rows, call.constant(-1, "minus")], "left.rows")


@translates("_contrib_ROIAlign")
def _roi_align(call: Call) -> str:
    """MXNet's regions hold the picture they are on in front of their corners.

    A picture below 0 marks a row that MXNet passes by and nobody reads; ONNX wants one that exists.
    """
    if call.get("position_sensitive", False):
        raise call.unsupported("of the position-sensitive kind")
    high, wide = call.get("pooled_size")
    mode = "half_pixel" if call.get("aligned", False) else "output_half_pixel"
    ids = call.cast(_columns(call, call.inputs[1], 0, 1, "picture"), LONG, "picture.long")
    ids = call.add("Max", [ids, call.constant(0, "first.picture", LONG)], "picture.there")
    ids = call.add("Squeeze", [ids, call.integers([1], "axes")], "pictures")
    boxes = _columns(call, call.inputs[1], 1, 5, "boxes")
    return call.add(
        "RoiAlign",
        [call.inputs[0], boxes, ids],
        output_height=high,
        output_width=wide,
        sampling_ratio=max(int(call.get("sample_ratio", -1)), 0),
        spatial_scale=float(call.get("spatial_scale")),
        coordinate_transformation_mode=mode,
    )
