"""How R-CNNs are arranged: the published ones, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from toolkit.nn.nms import Suppression
from toolkit.nn.proposals import ProposalRule
from toolkit.utils.registry import unknown

RULE = ProposalRule()
SUPPRESSION = Suppression(0.5, 6000)
SCALES = (32.0, 64.0, 128.0, 256.0, 512.0)


@dataclass(frozen=True)
class RCNNLayout:
    """What tells one R-CNN from another on the same backbone."""

    pyramid: int | None = None  # channels of its features; None: the last stage is run on regions
    levels: int = 4  # of the backbone's last features that the pyramid is made of
    sides: tuple[float, ...] = SCALES  # of the square anchors, in pixels; a pyramid's level has one
    cells: int = 128  # of the anchors' finest grid, each way
    between: int = 1024  # channels before the proposals' scores and boxes
    size: int = 14  # cells of a region, each way
    halve: bool = False  # cells are pooled to half as many before the layers that tell classes
    convs: int = 0  # 3x3 convolutions before the dense layers
    conv_bias: bool = False  # of these, though they are normalized
    units: tuple[int, ...] = ()  # of the dense layers
    double: bool = False  # boxes are told by convolutions of their own, after the last stage
    normalize: bool = False  # what is not backbone
    pyramid_bias: bool = True  # the pyramid's convolutions have biases
    per_class: bool = True  # each class has boxes of its own
    clip: float | None = None  # largest logarithm of a size over the anchor's
    proposals: ProposalRule = RULE
    suppression: Suppression = SUPPRESSION
    mask_convs: int = 0  # 3x3 convolutions of the masks


_VOC = RCNNLayout(
    proposals=ProposalRule(proposals=300, min_side=16), suppression=Suppression(0.3, 6000)
)
_COCO = RCNNLayout(clip=4.14)
_FPN = RCNNLayout(pyramid=256, cells=384, size=7, units=(1024, 1024), clip=4.14)
_FPN_NORM = replace(_FPN, between=256, convs=4, units=(1024,), normalize=True, pyramid_bias=False)
_CUSTOM = replace(_FPN, size=14, halve=True)
_MASK = replace(_FPN, clip=4.42, size=14, halve=True, mask_convs=4)
_SMALL_MASK = replace(_FPN, clip=4.42, mask_convs=2)
_SMALL_MASK_NORM = replace(_SMALL_MASK, convs=1, conv_bias=True, units=(1024,), normalize=True)

LAYOUTS = {
    "c4_voc": _VOC,
    "c4_coco": _COCO,
    "c4_custom": replace(_VOC, sides=SCALES[2:]),
    "double_head_voc": replace(_VOC, units=(1024, 1024), double=True),
    "fpn": _FPN,
    "fpn_norm": _FPN_NORM,
    "fpn_norm_short": replace(_FPN_NORM, convs=1),
    "fpn_custom": _CUSTOM,
    "mask_c4": replace(_COCO, clip=4.42),
    "mask_fpn": _MASK,
    "mask_fpn_small": _SMALL_MASK,
    "mask_fpn_small_norm": _SMALL_MASK_NORM,
    "mask_fpn_mobile_norm": replace(_SMALL_MASK_NORM, size=14, halve=True),
    "mask_fpn_custom": replace(_CUSTOM, clip=4.42),
}

Layout = RCNNLayout | Mapping[str, Any] | str


def make_layout(like: str = "fpn", **changes: Any) -> RCNNLayout:
    """A published layout with some fields changed.

    ``proposals`` and ``suppression`` may be mappings of fields of theirs, which are changed.

    Raises:
        ValueError: there is no such layout, or no such field, or a value is out of range.
    """
    if like not in LAYOUTS:
        raise ValueError(unknown("R-CNN layout", like, LAYOUTS))
    layout = LAYOUTS[like]
    known = [field.name for field in fields(RCNNLayout)]
    for name, value in changes.items():
        if name not in known:
            raise ValueError(unknown("field of an R-CNN layout", name, known))
        if isinstance(value, Mapping):
            changes[name] = getattr(layout, name).changed(**value)
    return replace(layout, **changes)


def find_layout(layout: Layout) -> RCNNLayout:
    """The layout of a name, or of what ``make_layout`` takes; raises ValueError as that does."""
    if isinstance(layout, RCNNLayout):
        return layout
    return make_layout(layout) if isinstance(layout, str) else make_layout(**layout)
