from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.data.vision import PRESETS
from toolkit.deploy.lookup import file_of, find_labels, find_preset
from toolkit.model_zoo import read_labels


def test_presets_by_name_or_themselves() -> None:
    preset = PRESETS["cifar"].with_size(48)
    assert find_preset("imagenet") is PRESETS["imagenet"]
    assert find_preset(preset) is preset
    assert find_preset(None) is None


def test_labels_by_name_or_themselves() -> None:
    assert find_labels("cifar10") == read_labels("cifar10")
    assert find_labels(["a", "b"]) == ("a", "b")
    assert find_labels(None) is None


def test_unknown_names_are_told() -> None:
    with pytest.raises(ValueError, match="unknown preset 'imagnet'; did you mean imagenet"):
        find_preset("imagnet")
    with pytest.raises(ValueError, match="unknown label set 'cifar11'; did you mean cifar10"):
        find_labels("cifar11")


def test_dots_in_a_prefix_stay() -> None:
    assert file_of(Path("folder/net.v1"), "-symbol.json") == Path("folder/net.v1-symbol.json")
