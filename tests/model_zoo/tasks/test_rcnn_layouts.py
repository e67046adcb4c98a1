"""The arrangements of R-CNNs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from toolkit.model_zoo import list_models
from toolkit.model_zoo.catalogue import model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.tasks.rcnn_layouts import LAYOUTS, find_layout, make_layout
from toolkit.nn.proposals import ProposalRule


def test_every_name_has_a_layout_and_every_layout_a_name() -> None:
    names = [*list_models(task="faster_rcnn"), *list_models(task="mask_rcnn")]
    used = {model_info(name).options["layout"] for name in names}
    assert used == set(LAYOUTS)


def test_pyramids_have_one_side_a_level() -> None:
    pyramids = [layout for layout in LAYOUTS.values() if layout.pyramid]
    assert pyramids
    assert all(len(layout.sides) == layout.levels + 1 for layout in pyramids)


def test_without_a_pyramid_the_backbone_has_stages_to_part_with() -> None:
    for task in ("faster_rcnn", "mask_rcnn"):
        for name in list_models(task=task):
            info = model_info(name)
            if not LAYOUTS[info.options["layout"]].pyramid:
                assert info.backbone in BACKBONES
                assert info.backbone.startswith("resnet")


def test_a_layout_is_changed_field_by_field() -> None:
    small = make_layout("mask_fpn", pyramid=32, proposals={"proposals": 50, "candidates": 90})
    assert (small.pyramid, small.mask_convs, small.clip) == (32, 4, 4.42)
    assert small.proposals == ProposalRule(proposals=50, candidates=90)
    assert find_layout({"like": "c4_voc", "size": 7}) == replace(LAYOUTS["c4_voc"], size=7)
    assert find_layout("fpn") == find_layout(LAYOUTS["fpn"]) == LAYOUTS["fpn"]


def test_wrong_fields_are_explained() -> None:
    with pytest.raises(ValueError, match=r"unknown R-CNN layout 'fpm'.*fpn"):
        make_layout("fpm")
    with pytest.raises(ValueError, match=r"unknown field of an R-CNN layout 'level'.*levels"):
        make_layout(level=3)
    with pytest.raises(ValueError, match="at least 1 proposal"):
        make_layout(proposals={"proposals": 0})
