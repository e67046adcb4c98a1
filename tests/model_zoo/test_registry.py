"""Families register their variants; the registry builds them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from mxnet.gluon import HybridBlock

from toolkit.model_zoo import tasks, vision  # noqa: F401  (registers what they hold)
from toolkit.model_zoo.registry import BACKBONES, TASKS, FamilyRegistry


def test_each_row_of_a_table_is_a_variant_of_the_family():
    registry = FamilyRegistry("backbone")

    @registry.family({"narrow": 1, "wide": 8})
    class Net(HybridBlock):
        def __init__(self, width: int, *, depth: int = 2) -> None:
            super().__init__()
            self.size = width, depth

    assert registry.names() == ["narrow", "wide"]
    assert registry.create("wide").size == (8, 2)
    assert registry.create("narrow", depth=5).size == (1, 5)
    with pytest.raises(ValueError, match="unknown backbone 'wdie'; did you mean wide"):
        registry.create("wdie")
    with pytest.raises(TypeError, match="height"):
        registry.create("wide", height=3)


@dataclass(frozen=True)
class Config:
    width: int = 1
    depth: int = 2


def test_fields_of_the_config_are_options_too():
    registry = FamilyRegistry("backbone")

    @registry.family({"narrow": Config(), "wide": Config(8)})
    class Net(HybridBlock):
        def __init__(self, config: Config, *, depth: int | None = None) -> None:
            super().__init__()
            self.config, self.depth = config, depth

    assert registry.options("wide") == {"width", "depth"}
    assert registry.create("wide").config == Config(8, 2)
    assert registry.create("wide", width=3).config == Config(3, 2)
    own = registry.create("wide", depth=5)  # the family's own option goes first
    assert (own.config, own.depth) == (Config(8, 2), 5)
    assert registry["wide"].config == Config(8)


def test_the_zoo_is_registered():
    assert "cifar_resnet20_v1" in BACKBONES
    assert "image_classifier" in TASKS
