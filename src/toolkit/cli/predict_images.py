"""What ``toolkit predict`` says of pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from toolkit import deploy
from toolkit.cli.errors import UserError
from toolkit.cli.output import print_json
from toolkit.data.vision import draw_objects, draw_poses, draw_regions, read_image, write_png
from toolkit.utils import tables
from toolkit.utils.skeletons import find_skeleton

HEADERS = {
    "classes": ("image", "label", "prob", "index"),
    "objects": ("image", "label", "score", "box"),
    "regions": ("image", "label", "share", "index"),
    "poses": ("image", "label", "score", "joint", "score", "x", "y"),
}
Draw = Callable[[np.ndarray, Sequence[Any]], np.ndarray]
OPTIONS = (
    click.option("--least", type=click.FloatRange(0, 1), default=0.5, help="Score of an object."),
    click.option("--detector", metavar="MODEL", help="Finds the persons whose poses are wanted."),
    click.option(
        "--save",
        type=click.Path(path_type=Path),
        metavar="PNG|FOLDER",
        help="Where IMAGE goes with what was found drawn; for several images a folder.",
    ),
)


def image_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of pictures to a command, which hands them to ``Images``."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True)
class Images:
    """Pictures of a command line, and what is shown of what is found in them."""

    images: Sequence[str]
    least: float = 0.5  # score of an object
    save: Path | None = None  # a PNG file, or a folder
    detector: str | None = None  # a model, for one of poses

    def predict(self, model: str, weights: str | None, top: int | None, *, as_json: bool) -> None:
        """Prints the predictions of each picture, and draws them where that is asked for.

        Raises:
            UserError: a picture of several could not be read, or there is nothing to be drawn.
        """
        predictor = self._predictor(model, weights or True)
        if self.save and predictor.kind == "classes":
            raise UserError(f"--save draws objects, regions and poses, and {model} names classes")
        on_error = "raise" if len(self.images) == 1 else "skip"
        everything = predictor.stream(self.images, top, on_error=on_error)
        least = self.least if predictor.kind == "objects" else 0
        found = [[p for p in one if getattr(p, "score", 1) >= least] for one in everything]
        if as_json:
            rows = [[_plain(p) for p in one] for one in found]
            pairs = zip(self.images, rows, strict=True)
            print_json([{"image": image, "predictions": row} for image, row in pairs])
        else:
            click.echo(self._table(found, kind=predictor.kind))
        if self.save:
            self._save(found, self.save, draw=DRAW[predictor.kind])
        if predictor.skipped:
            raise UserError(f"{predictor.skipped} of {len(self.images)} pictures could not be read")

    def _predictor(self, model: str, weights: str | bool) -> Any:
        if self.detector is None:
            return deploy.Predictor(model, pretrained=weights)
        return deploy.PosePredictor(self.detector, model, pretrained=weights, least=self.least)

    def _table(self, found: Sequence[Sequence[Any]], *, kind: str) -> str:
        """A row a result, or a joint; an image is named in the first of its rows."""
        rows = [
            (image if rank == 0 else "", *cells)
            for image, one in zip(self.images, found, strict=True)
            for rank, cells in enumerate(row for p in one for row in CELLS[kind](p))
        ]
        return tables.render(HEADERS[kind], rows)

    def _save(self, found: Sequence[Sequence[Any]], save: Path, *, draw: Draw) -> None:
        """Writes each of several images in which something was found, or the only one."""
        single = len(self.images) == 1 and save.suffix.lower() == ".png"
        for image, one in zip(self.images, found, strict=True):
            if one or single:
                drawn = draw(read_image(image), one)
                write_png(save if single else save / f"{Path(image).stem}.png", drawn)


Cells = Sequence[tuple[Any, ...]]


def _class_cells(one: Any) -> Cells:
    return [(one.label, f"{one.prob:.4f}", one.index)]


def _object_cells(one: Any) -> Cells:
    return [(one.label, f"{one.score:.4f}", " ".join(f"{side:.1f}" for side in one.box))]


def _region_cells(one: Any) -> Cells:
    return [(one.label, f"{one.share:.4f}", one.index)]


def _pose_cells(one: Any) -> Cells:
    """A row a joint; what the pose is stands in the first."""
    head = (one.label, f"{one.score:.4f}")
    return [
        (*(head if rank == 0 else ("", "")), j.label, f"{j.score:.4f}", f"{j.x:.1f}", f"{j.y:.1f}")
        for rank, j in enumerate(one.joints)
    ]


CELLS: dict[str, Callable[[Any], Cells]] = {
    "classes": _class_cells,
    "objects": _object_cells,
    "regions": _region_cells,
    "poses": _pose_cells,
}


def _plain(one: Any) -> dict[str, Any]:
    """What can be written as JSON."""
    fields = {f.name: getattr(one, f.name) for f in dataclasses.fields(one) if f.name != "mask"}
    if "joints" in fields:
        fields["joints"] = [dataclasses.asdict(joint) for joint in one.joints]
    return fields


def _objects(image: np.ndarray, found: Sequence[Any]) -> np.ndarray:
    return draw_objects(
        image,
        [p.box for p in found],
        [p.index for p in found],
        labels={p.index: p.label for p in found},
        scores=[p.score for p in found],
        least=0.0,
    )


def _regions(image: np.ndarray, found: Sequence[Any]) -> np.ndarray:
    labels = {p.index: p.label for p in found}
    return draw_regions(image, [p.mask for p in found], [p.index for p in found], labels=labels)


def _poses(image: np.ndarray, found: Sequence[Any]) -> np.ndarray:
    labels = [joint.label for joint in found[0].joints] if found else []
    return draw_poses(
        image,
        [[(joint.x, joint.y) for joint in p.joints] for p in found],
        [[joint.score for joint in p.joints] for p in found],
        bones=find_skeleton(labels).bones,
    )


DRAW: dict[str, Draw] = {"objects": _objects, "regions": _regions, "poses": _poses}
