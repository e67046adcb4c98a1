from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.model_zoo import read_labels
from toolkit.model_zoo.catalogue import catalogue


@pytest.mark.parametrize(("name", "count"), [("imagenet1k", 1000), ("cifar10", 10)])
def test_names_are_distinct_and_clean(name: str, count: int) -> None:
    labels = read_labels(name)
    assert len(set(labels)) == len(labels) == count
    assert all(label == label.strip() != "" for label in labels)


def test_known_classes_stand_at_their_index() -> None:
    labels = read_labels("imagenet1k")
    known = {0: "tench", 15: "robin", 285: "Egyptian cat", 474: "cardigan", 999: "toilet tissue"}
    assert {index: labels[index] for index in known} == known
    assert read_labels("cifar10")[:2] == ("airplane", "automobile")


@pytest.mark.realdata
def test_samples_of_every_fifth_class_agree(data_root: Path) -> None:
    """Sample ``i`` of the sorted files is of class ``5 * i``; its file name ends in the name."""
    files = sorted(path.stem for path in (data_root / "imagenet_samples").glob("*.JPEG"))
    assert len(files) == 200
    names = [stem.split("_", 1)[1].replace("_", " ").lower() for stem in files]
    assert names == [label.lower() for label in read_labels("imagenet1k")[::5]]


def test_published_models_have_as_many_labels_as_classes() -> None:
    models = [info for info in map(catalogue().__getitem__, catalogue().names()) if info.labels]
    assert len(models) > 20
    wrong = [info.name for info in models if len(read_labels(info.labels)) != info.classes]
    assert wrong == []


def test_an_unknown_set_names_the_near_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown label set 'imagenet'; did you mean imagenet1k"):
        read_labels("imagenet")
