"""``toolkit predict``: what a model says."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import click

from toolkit import deploy
from toolkit.cli.errors import UserError
from toolkit.cli.options import common, json_option, weights_option
from toolkit.cli.output import print_json
from toolkit.cli.predict_text import Texts, show, text_options
from toolkit.utils import tables


@click.command()
@click.argument("model")
@click.argument("images", nargs=-1, metavar="[IMAGE...]")
@weights_option
@click.option("--top", default=5, show_default=True, type=click.IntRange(min=1))
@text_options
@json_option
@common
def predict(
    model: str,
    images: Sequence[str],
    *,
    weights: str | None,
    top: int,
    as_json: bool,
    **texts: Any,
) -> None:
    """Say what is in each IMAGE, or what there is to say of each --text, with MODEL.

    MODEL is a name or, for pictures, the path of an exported model. A picture that cannot be read
    does not keep the others from being named; the status is 1 then.
    """
    asked = Texts(**texts)
    if bool(images) == bool(asked.texts):
        raise click.UsageError("give either pictures, or texts by --text")
    if asked.texts:
        show(asked.texts, asked.predict(model, weights, top), as_json=as_json)
    else:
        _predict_pictures(model, images, weights=weights, top=top, as_json=as_json)


def _predict_pictures(
    model: str, images: Sequence[str], *, weights: str | None, top: int, as_json: bool
) -> None:
    predictor = deploy.Predictor(model, pretrained=weights or True)
    on_error = "raise" if len(images) == 1 else "skip"
    found = list(predictor.stream(images, top, on_error=on_error))
    if as_json:
        rows = [[dataclasses.asdict(p) for p in one] for one in found]
        print_json([{"image": i, "predictions": r} for i, r in zip(images, rows, strict=True)])
    else:
        cells = [
            (image if rank == 0 else "", p.label, f"{p.prob:.4f}", p.index)
            for image, one in zip(images, found, strict=True)
            for rank, p in enumerate(one)
        ]
        click.echo(tables.render(("image", "label", "prob", "index"), cells))
    if unread := sum(not one for one in found):
        raise UserError(f"{unread} of {len(images)} pictures could not be read")
