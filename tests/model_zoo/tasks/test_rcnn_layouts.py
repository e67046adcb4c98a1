"""The arrangements of R-CNNs."""

from __future__ import annotations

from toolkit.model_zoo import list_models
from toolkit.model_zoo.catalogue import model_info
from toolkit.model_zoo.registry import BACKBONES
from toolkit.model_zoo.tasks.rcnn_layouts import LAYOUTS


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
