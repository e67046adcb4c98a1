"""Scores an image classifier: top-1 and top-5 accuracy on a record file or a folder of pictures.

    python scripts/classification/evaluate.py MODEL DATA [--weights FILE] [--json]

MODEL is a published name or an exported path. DATA is a ``.rec`` file, a folder with one folder a
class in the order of the class indices, or pictures named by WordNet id (``n01440764...``).
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from toolkit.data.vision import ImageFolderDataset, ImageRecordDataset
from toolkit.deploy import Predictor
from toolkit.model_zoo import read_labels

import numpy as np

WORDNET_ID = re.compile(r"n\d{8}")
PICTURES = (".jpeg", ".jpg", ".png")


def read_samples(path: Path) -> tuple[Sequence[Any], list[int]]:
    """The pictures (paths or arrays) and their class indices."""
    if path.suffix == ".rec":
        images, labels = zip(*ImageRecordDataset(path), strict=True)
        return images, [int(label) for label in labels]
    if not path.is_dir():
        raise SystemExit(f"error: {path} is neither a .rec file nor a folder")
    named = sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURES)
    if not named:
        items = ImageFolderDataset(path).items
        return [item for item, _ in items], [label for _, label in items]
    index = {wordnet_id: i for i, wordnet_id in enumerate(read_labels("imagenet1k_wnid"))}
    ids = [WORDNET_ID.match(picture.name) for picture in named]
    if None in ids or not {match[0] for match in ids} <= index.keys():
        raise SystemExit(f"error: the pictures of {path} are not named by ImageNet's WordNet ids")
    return named, [index[match[0]] for match in ids]


def evaluate(args: argparse.Namespace) -> dict[str, Any]:
    """Accuracy in percent and pictures a second, reading included."""
    pictures, labels = read_samples(Path(args.data))
    predictor = Predictor(
        args.model, pretrained=args.weights or True, preset=args.preset, batch_size=args.batch_size
    )
    start = time.perf_counter()
    ranks = [[p.index for p in found] for found in predictor.stream(pictures, top=5)]
    seconds = time.perf_counter() - start
    hits = np.array([[i == label for i in rank] for rank, label in zip(ranks, labels, strict=True)])
    return {
        "model": args.model,
        "images": len(labels),
        "top1": round(100 * float(hits[:, 0].mean()), 2),
        "top5": round(100 * float(hits.any(1).mean()), 2),
        "images_per_second": round(len(labels) / seconds, 1),
    }


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="published name or exported path")
    parser.add_argument("data", help="record file, or folder of pictures")
    parser.add_argument("--weights", help="file or tag; default the published weights")
    parser.add_argument("--preset", help="preprocessing; default what the model was trained with")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    arguments = parse()
    result = evaluate(arguments)
    if arguments.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{key:18}{value}" for key, value in result.items()))
