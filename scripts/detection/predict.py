"""Draws what a detector finds in pictures, in a video or before a camera.

    python scripts/detection/predict.py MODEL SOURCE... --save FOLDER

MODEL is the folder of a run of ``train.py``, or the published name of a detector. A SOURCE is a
picture, a video, or the number of a camera; of the latter two ``--save`` gets a video. Without
``--save``, what was found is only listed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.data.vision import ImagePreset, draw_objects, read_image, write_png
from toolkit.utils.masks import paste_masks

import cv2
import detection_model
import mxnet as mx
import numpy as np

VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm")


@dataclass(frozen=True)
class Finder:
    """Finds objects in pictures of any size."""

    net: Any
    labels: Sequence[str]
    preset: ImagePreset
    least: float  # score

    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, ...]:
        """Class indices ``(K,)``, scores ``(K,)``, boxes ``(K, 4)`` in pixels of the picture.

        Then, of what finds masks, these ``(K, H, W)``.
        """
        pixels = self.preset(image)
        ids, scores, boxes, *masks = (
            part[0].asnumpy() for part in self.net(mx.nd.array(pixels[None]))
        )
        kept = (ids[:, 0] >= 0) & (scores[:, 0] >= self.least)
        height, width = (a / b for a, b in zip(image.shape, pixels.shape[1:], strict=False))
        boxes = boxes[kept] * np.array([width, height] * 2)
        drawn = [paste_masks(part[kept], boxes, image.shape[:2]) for part in masks]
        return ids[kept, 0].astype(int), scores[kept, 0], boxes, *drawn

    def draw(self, image: np.ndarray) -> np.ndarray:
        """The picture with what was found."""
        ids, scores, boxes, *masks = self(image)
        names = {"labels": self.labels, "scores": scores, "least": self.least}
        return draw_objects(image, boxes, ids, masks=masks[0] if masks else None, **names)


def frames(source: str, most: int | None) -> Iterator[np.ndarray]:
    """The pictures of a video or of a camera, RGB."""
    capture = cv2.VideoCapture(int(source) if source.isdecimal() else source)
    if not capture.isOpened():
        raise SystemExit(f"error: {source} is no video or camera that OpenCV can open")
    try:
        count = 0
        while most is None or count < most:
            there, frame = capture.read()
            if not there:
                return
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            count += 1
    finally:
        capture.release()


def film(finder: Finder, source: str, out: Path, args: argparse.Namespace) -> int:
    """Writes a video with what was found; gives the number of its pictures."""
    writer, count = None, 0
    for frame in frames(source, args.most):
        drawn = cv2.cvtColor(finder.draw(frame), cv2.COLOR_RGB2BGR)
        if writer is None:
            code = cv2.VideoWriter_fourcc(*"mp4v")
            writer = cv2.VideoWriter(str(out), code, args.fps, drawn.shape[1::-1])
        writer.write(drawn)
        count += 1
    if writer is not None:
        writer.release()
    return count


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("model", help="folder of a run, or published name")
    add("sources", nargs="+", metavar="SOURCE", help="pictures, videos, numbers of cameras")
    add("--weights", help="of a published name: a tag or a file; default the published ones")
    add("--size", type=int, help="side of the pictures; default that of the training")
    add("--least", type=float, default=0.5, help="least score of what is shown")
    add("--save", type=Path, help="folder for pictures (PNG) and videos (MP4)")
    add("--fps", type=float, default=25.0, help="of videos that are written")
    add("--most", type=int, help="frames of a video; a camera has no end")
    return parser.parse_args(arguments)


def main(args: argparse.Namespace) -> None:
    net, labels, _, preset = detection_model.open_detector(args.model, args.weights, args.size)
    finder = Finder(net, labels, preset, args.least)
    if args.save:
        args.save.mkdir(parents=True, exist_ok=True)
    for source in args.sources:
        if source.isdecimal() or Path(source).suffix.lower() in VIDEOS:
            if not args.save:
                raise SystemExit("error: a video or a camera needs --save FOLDER")
            out = args.save / f"{Path(source).stem}.mp4"
            print(f"{out}: {film(finder, source, out, args)} pictures")
            continue
        image = read_image(source)
        for place, score, box in zip(*finder(image)[:3], strict=True):
            print(source, labels[place], f"{score:.3f}", *np.round(box, 1))
        if args.save:
            write_png(args.save / f"{Path(source).stem}.png", finder.draw(image))


if __name__ == "__main__":
    main(parse())
