"""``toolkit models``: which models there are."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import click

from toolkit import model_zoo
from toolkit.cli.options import common, json_option
from toolkit.cli.output import cell, print_json
from toolkit.utils import tables


@click.command()
@click.argument("pattern", default="*")
@click.option("--task", help="Only models of this task, such as image_classifier.")
@click.option("--domain", help="Only models of this domain: vision or text.")
@click.option("--pretrained", is_flag=True, help="Only models with published weights.")
@json_option
@common
def models(
    pattern: str, task: str | None, domain: str | None, pretrained: bool, as_json: bool
) -> None:
    """List the models whose name fits PATTERN, such as 'resnet*_v1' or just resnet50."""
    if not set(pattern) & set("*?["):
        pattern = f"*{pattern}*"
    names = model_zoo.list_models(pattern, task=task, domain=domain, pretrained=pretrained or None)
    if not names:
        raise ValueError(f"no model fits {pattern!r} and the options; `toolkit models` lists all")
    found = [model_zoo.model_info(name) for name in names]
    if as_json:
        print_json([describe(info) for info in found])
        return
    rows = [(i.name, i.task, i.classes, _tags(i.weights), _metrics(i.weights)) for i in found]
    click.echo(tables.render(("model", "task", "classes", "weights", "published result"), rows))
    click.echo(f"{len(found)} models, {sum(bool(i.weights) for i in found)} with weights", err=True)


def describe(info: Any) -> dict[str, Any]:
    """A model's row without what only the loader of weights can read."""
    fields = {f.name: getattr(info, f.name) for f in dataclasses.fields(info)}
    fields.pop("renames", None)
    return {**fields, "weights": [dataclasses.asdict(entry) for entry in info.weights]}


def _tags(weights: Sequence[Any]) -> str:
    return ", ".join(w.tag + (" (bundled)" if w.bundled else "") for w in weights)


def _metrics(weights: Sequence[Any]) -> str:
    return cell(dict(weights[0].metrics)) if weights else ""
