"""Cuts the boxes of a detection data set in PASCAL VOC's layout into folders of pictures by class.

    python scripts/classification/crop_boxes.py ROOT OUT --sets train val --most 400

ROOT holds ``Annotations``, ``ImageSets/Main`` and ``JPEGImages``. Each set becomes a folder
``OUT/<set>/<class>``, as ``finetune.py`` takes it.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from toolkit.data.vision import read_image

import cv2
import numpy as np

Box = tuple[str, int, int, int, int]  # class, x0, y0, x1, y1


def read_boxes(path: Path) -> Iterator[Box]:
    """The objects of an annotation; pixels count from 1, and the last ones belong to the box."""
    for item in ElementTree.parse(path).iter("object"):
        x0, y0, x1, y1 = (
            int(float(item.findtext(f"bndbox/{n}"))) for n in ("xmin", "ymin", "xmax", "ymax")
        )
        yield item.findtext("name"), x0 - 1, y0 - 1, x1, y1


def cut(image: np.ndarray, box: Box, margin: float) -> np.ndarray:
    """A box with some of what is around it; empty where it lies outside of the picture."""
    _, x0, y0, x1, y1 = box
    dx, dy = round((x1 - x0) * margin), round((y1 - y0) * margin)
    return image[max(y0 - dy, 0) : max(y1 + dy, 0), max(x0 - dx, 0) : max(x1 + dx, 0)]


def crop_set(args: argparse.Namespace, name: str) -> Counter[str]:
    """Writes the crops of one set; returns how many there are of each class."""
    ids = (args.root / "ImageSets" / "Main" / f"{name}.txt").read_text().split()
    counts: Counter[str] = Counter()
    for key in np.random.default_rng(args.seed).permutation(ids):
        image = read_image(args.root / "JPEGImages" / f"{key}.jpg")
        for number, box in enumerate(read_boxes(args.root / "Annotations" / f"{key}.xml")):
            crop = cut(image, box, args.margin)
            if min(crop.shape[:2]) < 4 or counts[box[0]] >= args.most:
                continue
            folder = args.out / name / box[0]
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{key}_{number}.png"
            cv2.imwrite(str(path), cv2.cvtColor(crop, cv2.COLOR_RGB2BGR))
            counts[box[0]] += 1
    return counts


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sets", nargs="+", default=["train", "val", "test"])
    parser.add_argument("--most", type=int, default=10**9, help="crops of one class in a set")
    parser.add_argument("--margin", type=float, default=0.1, help="around a box, of its size")
    parser.add_argument("--seed", type=int, default=0, help="of which are taken")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    arguments = parse()
    for name in arguments.sets:
        found = crop_set(arguments, name)
        print(name, dict(sorted(found.items())))
