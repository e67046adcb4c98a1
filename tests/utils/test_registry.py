"""Lookups by name."""

from __future__ import annotations

import pytest

from toolkit.utils.registry import Registry, nearest, unknown

NAMES = ["resnet18_v1", "resnet50_v1", "resnet50_v1b", "mobilenet1.0", "vgg16"]


def test_a_registered_value_is_found_by_its_name():
    registry: Registry[int] = Registry("number")
    registry.add("one", 1)
    assert registry["one"] == 1
    assert "one" in registry
    assert "two" not in registry
    assert registry.names() == list(registry) == ["one"]
    assert len(registry) == 1


def test_a_name_is_registered_once():
    registry: Registry[int] = Registry("number")
    registry.add("one", 1)
    with pytest.raises(ValueError, match="number 'one' is registered twice"):
        registry.add("one", 2)
    assert registry["one"] == 1


def test_an_unknown_name_is_answered_with_near_ones():
    registry: Registry[None] = Registry("model")
    for name in NAMES:
        registry.add(name, None)
    with pytest.raises(ValueError, match="unknown model 'resnet51_v1'; did you mean resnet50_v1"):
        registry["resnet51_v1"]


def test_near_names_ignore_case_and_keep_their_own():
    assert nearest("VGG-16", ["Vgg16", "alexnet"]) == ["Vgg16"]


@pytest.mark.parametrize(
    ("known", "hint"),
    [([], "known: none"), (["a", "b"], "known: a, b"), ([f"x{i}" for i in range(99)], "99 are")],
)
def test_far_names_are_answered_with_what_is_known(known, hint):
    assert hint in unknown("thing", "quite-other-word", known)
