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
from toolkit.data.vision import draw_objects, draw_regions, read_image, write_png
from toolkit.utils import tables

HEADERS = {
    "classes": ("image", "label", "prob", "index"),
    "objects": ("image", "label", "score", "box"),
    "regions": ("image", "label", "share", "index"),
}
Draw = Callable[[np.ndarray, Sequence[Any]], np.ndarray]
OPTIONS = (
    click.option("--least", type=click.FloatRange(0, 1), default=0.5, help="Score of an object."),
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
    least: float = 0.5  # score
    save: Path | None = None  # a PNG file, or a folder

    def predict(self, model: str, weights: str | None, top: int | None, *, as_json: bool) -> None:
        """Prints the predictions of each picture, and draws them where that is asked for.

        Raises:
            UserError: a picture of several could not be read, or there is nothing to be drawn.
        """
        predictor = deploy.Predictor(model, pretrained=weights or True)
        if self.save and predictor.kind == "classes":
            raise UserError(f"--save draws objects and regions, and {model} names classes")
        on_error = "raise" if len(self.images) == 1 else "skip"
        everything = predictor.stream(self.images, top, on_error=on_error)
        found = [[p for p in one if getattr(p, "score", 1) >= self.least] for one in everything]
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

    def _table(self, found: Sequence[Sequence[Any]], *, kind: str) -> str:
        """A row a result; an image is named in the first of its rows."""

        def cells(one: Any) -> tuple[Any, ...]:
            if kind == "objects":
                return one.label, f"{one.score:.4f}", " ".join(f"{side:.1f}" for side in one.box)
            return one.label, f"{one.share if kind == 'regions' else one.prob:.4f}", one.index

        rows = [
            (image if rank == 0 else "", *cells(p))
            for image, one in zip(self.images, found, strict=True)
            for rank, p in enumerate(one)
        ]
        return tables.render(HEADERS[kind], rows)

    def _save(self, found: Sequence[Sequence[Any]], save: Path, *, draw: Draw) -> None:
        """Writes each of several images in which something was found, or the only one."""
        single = len(self.images) == 1 and save.suffix.lower() == ".png"
        for image, one in zip(self.images, found, strict=True):
            if one or single:
                drawn = draw(read_image(image), one)
                write_png(save if single else save / f"{Path(image).stem}.png", drawn)


def _plain(one: Any) -> dict[str, Any]:
    """What can be written as JSON."""
    fields = dataclasses.fields(one)
    return {f.name: getattr(one, f.name) for f in fields if f.name != "mask"}


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


DRAW: dict[str, Draw] = {"objects": _objects, "regions": _regions}
