"""What ``toolkit predict`` says of pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from toolkit import deploy
from toolkit.cli.errors import UserError
from toolkit.cli.output import print_json
from toolkit.data.vision import draw_objects, read_image, write_png
from toolkit.utils import tables

CLASSES = ("image", "label", "prob", "index")
OBJECTS = ("image", "label", "score", "box")
OPTIONS = (
    click.option("--least", type=click.FloatRange(0, 1), default=0.5, help="Score of an object."),
    click.option(
        "--save",
        type=click.Path(path_type=Path),
        metavar="PNG|FOLDER",
        help="Where IMAGE goes with its objects drawn; for several images a folder.",
    ),
)


def image_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of pictures to a command, which hands them to ``Images``."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True)
class Images:
    """Pictures of a command line, and what is shown of what a detector finds in them."""

    images: Sequence[str]
    least: float = 0.5  # score
    save: Path | None = None  # a PNG file, or a folder

    def predict(self, model: str, weights: str | None, top: int | None, *, as_json: bool) -> None:
        """Prints the predictions of each picture, and draws them where that is asked for.

        Raises:
            UserError: a picture of several could not be read, or there is nothing to be drawn.
        """
        predictor = deploy.Predictor(model, pretrained=weights or True)
        if self.save and not predictor.finds_objects:
            raise UserError(f"--save draws objects, and {model} names classes")
        on_error = "raise" if len(self.images) == 1 else "skip"
        everything = predictor.stream(self.images, top, on_error=on_error)
        found = [[p for p in one if getattr(p, "score", 1) >= self.least] for one in everything]
        if as_json:
            rows = [[dataclasses.asdict(p) for p in one] for one in found]
            pairs = zip(self.images, rows, strict=True)
            print_json([{"image": image, "predictions": row} for image, row in pairs])
        else:
            click.echo(self._table(found, objects=predictor.finds_objects))
        if self.save:
            self._draw(found, self.save)
        if predictor.skipped:
            raise UserError(f"{predictor.skipped} of {len(self.images)} pictures could not be read")

    def _table(self, found: Sequence[Sequence[Any]], *, objects: bool) -> str:
        """A row a result; an image is named in the first of its rows."""

        def cells(one: Any) -> tuple[Any, ...]:
            if objects:
                return one.label, f"{one.score:.4f}", " ".join(f"{side:.1f}" for side in one.box)
            return one.label, f"{one.prob:.4f}", one.index

        rows = [
            (image if rank == 0 else "", *cells(p))
            for image, one in zip(self.images, found, strict=True)
            for rank, p in enumerate(one)
        ]
        return tables.render(OBJECTS if objects else CLASSES, rows)

    def _draw(self, found: Sequence[Sequence[Any]], save: Path) -> None:
        """Writes each of several images in which something was found, or the only one."""
        single = len(self.images) == 1 and save.suffix.lower() == ".png"
        for image, one in zip(self.images, found, strict=True):
            if not one and not single:
                continue
            drawn = draw_objects(
                read_image(image),
                [p.box for p in one],
                [p.index for p in one],
                labels={p.index: p.label for p in one},
                scores=[p.score for p in one],
                least=0.0,
            )
            write_png(save if single else save / f"{Path(image).stem}.png", drawn)
