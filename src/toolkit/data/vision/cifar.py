"""CIFAR-10 and CIFAR-100: Krizhevsky, 2009, "Learning Multiple Layers of Features"."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from toolkit.data.vision.arrays import ArrayImages
from toolkit.data.vision.cifar_files import CifarFiles
from toolkit.utils.files import cache_dir

COARSE_NAMES = """aquatic_mammals fish flowers food_containers fruit_and_vegetables
    household_electrical_devices household_furniture insects large_carnivores
    large_man-made_outdoor_things large_natural_outdoor_scenes large_omnivores_and_herbivores
    medium_mammals non-insect_invertebrates people reptiles small_mammals trees vehicles_1
    vehicles_2"""
FINE_NAMES = """apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge
    bus
    butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab
    crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard
    lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom
    oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
    possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake
    spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor
    train trout tulip turtle wardrobe whale willow_tree wolf woman worm"""
NAMES = "airplane automobile bird cat deer dog frog horse ship truck"


class CIFAR10(ArrayImages):
    """Samples ``(image, class index)``: (32, 32, 3) uint8 RGB.

    ``root`` holds the official archive, binary or Python version, packed or unpacked; by default
    ``datasets/cifar10`` of the cache, where Gluon keeps it.

    Raises:
        ValueError: no such files, or broken ones.
    """

    classes = tuple(NAMES.split())

    def __init__(self, root: str | Path | None = None, train: bool = True) -> None:
        folder = cache_dir(root, "datasets") / ("" if root else "cifar10")
        names = [f"data_batch_{i}" for i in range(1, 6)] if train else ["test_batch"]
        images, labels = CifarFiles("cifar-10", ("labels",)).read(folder, names)
        super().__init__(images, np.ascontiguousarray(labels[:, 0]))


class CIFAR100(ArrayImages):
    """Samples ``(image, class index)``: (32, 32, 3) uint8 RGB.

    ``root`` as for ``CIFAR10``, by default ``datasets/cifar100`` of the cache. With ``fine_label``
    the 100 classes, else their 20 groups.

    Raises:
        ValueError: no such files, or broken ones.
    """

    classes = tuple(FINE_NAMES.split())

    def __init__(
        self, root: str | Path | None = None, train: bool = True, fine_label: bool = True
    ) -> None:
        folder = cache_dir(root, "datasets") / ("" if root else "cifar100")
        if not fine_label:
            object.__setattr__(self, "classes", tuple(COARSE_NAMES.split()))
        files = CifarFiles("cifar-100", ("coarse_labels", "fine_labels"))
        images, labels = files.read(folder, ["train" if train else "test"])
        super().__init__(images, np.ascontiguousarray(labels[:, int(fine_label)]))
