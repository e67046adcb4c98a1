"""The other side of `loading.py`: torch's DataLoader, in an interpreter that has torch.

Reads numbers of epochs from stdin, one a line, and answers each with the number of pictures and
the seconds that they took. Knows nothing of toolkit.

- PIL: torchvision's RandomResizedCrop, RandomHorizontalFlip, ToTensor, Normalize on Pillow images
  (their bilinear resize smooths when it shrinks; OpenCV's does not)
- OpenCV: the same with OpenCV's decoder and resize
"""

from __future__ import annotations

import argparse
import math
import random
import time
from pathlib import Path

import cv2
import numpy as np
import torch
import torchvision
from PIL import Image
from torchvision import transforms

SIZE = 224
to_float = transforms.Compose(
    [
        transforms.ToTensor(),
        transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ]
)
augment_pil = transforms.Compose(
    [transforms.RandomResizedCrop(SIZE), transforms.RandomHorizontalFlip(), to_float]
)


def with_pil(path: str) -> torch.Tensor:
    with open(path, "rb") as file:
        return augment_pil(Image.open(file).convert("RGB"))


def with_opencv(path: str) -> torch.Tensor:
    image = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)
    top, left, height, width = random_box(*image.shape[:2])
    image = cv2.resize(image[top : top + height, left : left + width], (SIZE, SIZE))
    if random.random() < 0.5:
        image = np.ascontiguousarray(image[:, ::-1])
    return to_float(image)


def random_box(height: int, width: int) -> tuple[int, int, int, int]:
    """Top, left, height and width of a crop of 8 to 100 % of the area, aspect 3/4 to 4/3."""
    for _ in range(10):
        area = height * width * random.uniform(0.08, 1.0)
        aspect = math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            return random.randint(0, height - h), random.randint(0, width - w), h, w
    side = min(height, width)
    return (height - side) // 2, (width - side) // 2, side, side


LOAD = {"PIL": with_pil, "OpenCV": with_opencv}


class Files(torch.utils.data.Dataset):
    """The pictures, several times over."""

    def __init__(self, paths: list[str], loops: int, load: str) -> None:
        self.paths, self.loops, self.load = paths, loops, load

    def __len__(self) -> int:
        return len(self.paths) * self.loops

    def __getitem__(self, index: int) -> torch.Tensor:
        return LOAD[self.load](self.paths[index % len(self.paths)])


def one_thread(_: int) -> None:
    cv2.setNumThreads(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("load", choices=LOAD)
    parser.add_argument("list", type=Path, help="file with the paths of the pictures")
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--loops", type=int, required=True)
    options = parser.parse_args()
    loader = torch.utils.data.DataLoader(
        Files(options.list.read_text().splitlines(), options.loops, options.load),
        options.batch_size,
        shuffle=True,
        num_workers=options.workers,
        persistent_workers=options.workers > 0,
        worker_init_fn=one_thread,
    )
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}", flush=True)
    while input():
        start = time.perf_counter()
        count = sum(len(batch) for batch in loader)
        print(count, time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
