"""Pictures with a class for every pixel, in the folders of four data sets."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from toolkit.data.vision import ImageError, SegmentationDataset, SegmentationLayout
from toolkit.data.vision.segmentation import LAYOUTS, read_mask
from toolkit.data.vision.voc_annotation import AnnotationError

# Where a picture called ``a`` and its mask lie in each, and what else there is.
FILES = {
    "voc": ("JPEGImages/a.jpg", "SegmentationClass/a.png"),
    "ade20k": ("images/train/a.jpg", "annotations/train/a.png"),
    "cityscapes": (
        "leftImg8bit/train/ulm/a_leftImg8bit.png",
        "gtFine/train/ulm/a_gtFine_labelIds.png",
    ),
    "camvid": ("train/a.png", "trainannot/a.png"),
}
STORED = {
    "voc": [0, 20, 255],
    "ade20k": [1, 150, 0],
    "cityscapes": [7, 33, 0],
    "camvid": [0, 10, 11],
}


@pytest.fixture
def make(tmp_path: Path, photo: np.ndarray) -> Callable[..., Path]:
    """Writes one picture with a mask of three columns: first class, last class, void."""

    def run(layout: str, mask: np.ndarray | None = None) -> Path:
        image, annotation = (tmp_path / name for name in FILES[layout])
        for path in (image, annotation):
            path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo).save(image)
        if mask is None:
            mask = np.full(photo.shape[:2], STORED[layout][0], np.uint8)
            mask[:, 1], mask[:, 2] = STORED[layout][1:]
        picture = Image.fromarray(mask)
        if layout == "voc":
            picture.putpalette(list(range(256)) * 3)
        picture.save(annotation)
        if layout == "voc":
            listing = tmp_path / "ImageSets" / "Segmentation" / "train.txt"
            listing.parent.mkdir(parents=True, exist_ok=True)
            listing.write_text("a\n")
        return tmp_path

    return run


@pytest.mark.parametrize("layout", LAYOUTS)
def test_samples(layout: str, make: Callable[..., Path], photo: np.ndarray) -> None:
    data = SegmentationDataset(make(layout), layout=layout)
    image, ids = data[0]
    assert (len(data), image.shape, ids.shape) == (1, photo.shape, photo.shape[:2])
    assert (image.dtype, ids.dtype) == (np.uint8, np.int32)
    assert ids[0, :4].tolist() == [0, len(data.classes) - 1, -1, 0]
    again = pickle.loads(pickle.dumps(data))
    assert (again[0][1] == ids).all()
    if layout != "voc":  # a JPEG of it
        assert layout == "ade20k" or (image == photo).all()


def test_classes_may_have_names(make: Callable[..., Path]) -> None:
    root = make("camvid")
    names = [f"name {i}" for i in range(11)]
    assert SegmentationDataset(root, layout="camvid", classes=names).classes == tuple(names)
    assert SegmentationDataset(root, layout="camvid").classes[3] == "class 3"
    with pytest.raises(ValueError, match="2 names for 11 classes"):
        SegmentationDataset(root, layout="camvid", classes=["a", "b"])


def test_a_layout_of_ones_own(make: Callable[..., Path]) -> None:
    own = SegmentationLayout("train/*.png", "trainannot/{stem}.png", (11, 0), "own")
    _, ids = SegmentationDataset(make("camvid"), layout=own)[0]
    assert ids[0, :4].tolist() == [1, -1, 0, 1]


def test_what_is_not_there_is_named(make: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"unknown layout 'camvit'.*camvid"):
        SegmentationDataset(tmp_path, layout="camvit")
    root = make("camvid")
    with pytest.raises(ValueError, match=r"has no pictures val/\*.png"):
        SegmentationDataset(root, "val", layout="camvid")
    with pytest.raises(ValueError, match="it lists the pictures of 'val'"):
        SegmentationDataset(make("voc"), "val", layout="voc")
    (root / FILES["camvid"][1]).unlink()
    with pytest.raises(AnnotationError, match="has no mask"):
        SegmentationDataset(root, layout="camvid")


def test_masks_that_are_none(make: Callable[..., Path], photo: np.ndarray) -> None:
    data = SegmentationDataset(make("camvid", np.zeros((2, 3), np.uint8)), layout="camvid")
    with pytest.raises(AnnotationError, match=r"is \(2, 3\), and its picture"):
        data[0]
    root = make("camvid", photo)
    with pytest.raises(ImageError, match=r"has colours \(RGB\)"):
        SegmentationDataset(root, layout="camvid")[0]
    (root / FILES["camvid"][1]).write_bytes(b"nothing")
    with pytest.raises(ImageError, match="cannot be read"):
        read_mask(root / FILES["camvid"][1], range(11))


@pytest.mark.realdata
def test_real_folders(data_root: Path) -> None:
    counts = {}
    for split in ("train", "val"):
        data = SegmentationDataset(data_root / "camvid" / "CamVid", split, layout="camvid")
        counts[split] = len(data)
        image, ids = data[0]
        assert (image.shape, ids.min() >= -1, ids.max() < 11) == ((360, 480, 3), True, True)
        assert len(np.unique(ids)) > 6
    assert counts == {"train": 31, "val": 17}
    ade = SegmentationDataset(data_root / "ade20k_sample" / "sampleData", "", layout="ade20k")
    assert len(ade) == 3
    assert len(ade.classes) == 150
    assert {0, 1, 2} <= set(np.unique(ade[0][1]))  # wall, building, sky
