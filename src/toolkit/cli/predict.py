"""``toolkit predict``: what a model says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from toolkit.cli.options import common, json_option, weights_option
from toolkit.cli.predict_images import Images, image_options
from toolkit.cli.predict_text import Texts, show, text_options


@click.command()
@click.argument("model")
@click.argument("images", nargs=-1, metavar="[IMAGE...]")
@weights_option
@click.option("--top", type=click.IntRange(min=1), help="Results. [5; of a detector: all]")
@image_options
@text_options
@json_option
@common
def predict(
    model: str,
    images: Sequence[str],
    *,
    weights: str | None,
    top: int | None,
    as_json: bool,
    least: float,
    save: Path | None,
    detector: str | None,
    **texts: Any,
) -> None:
    """Say what is in each IMAGE, or what there is to say of each --text, with MODEL.

    MODEL is a name or, for pictures, the path of an exported model. Detectors say where things are,
    in pixels; pose estimators where the joints are of the one person in a picture or, with
    --detector, of each. A picture that cannot be read does not keep the others from being named;
    the status is 1 then.
    """
    asked = Texts(**texts)
    if bool(images) == bool(asked.texts):
        raise click.UsageError("give either pictures, or texts by --text")
    if asked.texts:
        show(asked.texts, asked.predict(model, weights, top or 5), as_json=as_json)
    else:
        Images(images, least, save, detector).predict(model, weights, top, as_json=as_json)
