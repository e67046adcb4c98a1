"""Networks for the detection scripts: built by name, started from what weights there are."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from toolkit.data.vision import PRESETS, ImagePreset
from toolkit.model_zoo import get_model, load_backbone, load_weights, model_info
from toolkit.utils.disk import atomic_write
from toolkit.utils.options import parse_options
from toolkit.utils.registry import unknown

import mxnet as mx
from families import FAMILIES, Family

NOTE = "model.json"  # beside the weights of a run: how to build the network again
WEIGHTS = "final.params"


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """The options that say which network."""
    add = parser.add_argument
    add(
        "--model", help="name of a detector, of a backbone where --task is given, or a run's folder"
    )
    add("--task", choices=sorted(FAMILIES), help="what to make of a backbone")
    add("--option", action="append", default=[], metavar="NAME=VALUE", help="of the network")
    add("--size", type=int, help="side of the pictures; default the preset's")


def task_of(args: argparse.Namespace) -> str:
    """The family's name in ``FAMILIES``."""
    task = args.task or model_info(args.model).task
    if task not in FAMILIES:
        raise SystemExit(f"error: {args.model}: {unknown('family of detectors', task, FAMILIES)}")
    return task


def family_of(args: argparse.Namespace) -> Family:
    """How such networks are trained."""
    return FAMILIES[task_of(args)]


def preset_of(args: argparse.Namespace) -> ImagePreset:
    """How pictures are prepared; the side must suit the network's features."""
    family = family_of(args)
    preset = PRESETS[family.preset]
    own = PRESETS.get(model_info(args.model).preprocess or "", preset)
    if (own.resize, own.longest) == (None, None) or (own.longest and preset.longest):
        preset = own
    size = args.size or min(preset.size)
    stride = family.stride
    if size < 1 or size % stride:
        raise SystemExit(f"error: --size {size} is no multiple of {stride}, the coarsest stride")
    return preset.with_size(size)


def build(args: argparse.Namespace, classes: list[str]) -> Any:
    """The network, without weights."""
    task = {"task": args.task} if args.task else {}
    return get_model(args.model, classes=classes, **task, **parse_options(args.option))


def adopt_run(args: argparse.Namespace) -> argparse.Namespace:
    """Where ``--model`` is a run's folder: its network's options, the given ones after them."""
    args.run = Path(args.model) if (Path(args.model or "") / NOTE).is_file() else None
    if args.run:
        note = read_note(args.run)
        args.model, args.task, args.size = note.model, note.task, args.size or note.size
        args.option = [*note.option, *args.option]
    return args


def make_net(args: argparse.Namespace, classes: list[str]) -> Any:
    """The network to be trained: from a run, a detector's weights, a backbone's, or none."""
    if args.run or args.weights:
        if args.run:
            labels = read_note(args.run).classes
            net = build(args, labels)
            load_weights(net, args.run / WEIGHTS)
        else:
            net = get_model(args.model, args.weights, **parse_options(args.option))
            labels = list(net.labels or ())
        if labels != classes:
            net.reset_class(classes, reuse=[c for c in classes if c in labels])
        return net
    net = build(args, classes)
    net.initialize(mx.init.MSRAPrelu())
    if args.backbone_weights:
        load_backbone(net, args.backbone_weights)
    return net


def save_note(args: argparse.Namespace, classes: list[str]) -> None:
    """Writes down how the network of a run is built."""
    note = {
        "model": args.model,
        "task": args.task,
        "option": args.option,
        "size": min(preset_of(args).size),
        "classes": list(classes),
    }
    args.out.mkdir(parents=True, exist_ok=True)
    with atomic_write(args.out / NOTE, "w") as file:
        json.dump(note, file, indent=1)


def read_note(folder: Path) -> argparse.Namespace:
    """What ``save_note`` wrote down."""
    return argparse.Namespace(**json.loads((folder / NOTE).read_text(encoding="utf-8")))


def open_run(
    folder: Path, size: int | None = None, option: Sequence[str] = ()
) -> tuple[Any, argparse.Namespace]:
    """The trained network of a run's folder, and how it was built; the last options count."""
    note = read_note(folder)
    note.size, note.option = size or note.size, [*note.option, *option]
    net = build(note, note.classes)
    load_weights(net, folder / WEIGHTS)
    return net, note


def open_detector(
    model: str, weights: str | None, size: int | None, option: Sequence[str] = ()
) -> tuple[Any, list[str], Family, ImagePreset]:
    """A network for use, the names of its classes, its family and preset: a run's, or published.

    ``weights`` and ``size`` are None for the usual ones; ``option`` are further ones of the
    network, ``NAME=VALUE``, that need no other weights.
    """
    if (Path(model) / NOTE).is_file():
        net, args = open_run(Path(model), size, option)
        labels = args.classes
    else:
        args = argparse.Namespace(model=model, task=None, size=size, option=option)
        net = get_model(model, weights or True, **parse_options(args.option))
        labels = net.labels or [f"class {place}" for place in range(net.classes)]
    net.hybridize(static_alloc=True)
    return net, list(labels), family_of(args), preset_of(args)
