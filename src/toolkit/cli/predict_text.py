"""What ``toolkit predict`` says of texts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click
import numpy as np

from toolkit import deploy, model_zoo
from toolkit.cli.output import print_json
from toolkit.utils import tables


@dataclass(frozen=True)
class Texts:
    """Texts of a command line, and how they are read."""

    texts: Sequence[str]
    contexts: Sequence[str] = ()  # one for all, or as many as texts
    task: str | None = None
    tokenizer: str | None = None
    labels: str | None = None  # a file
    slots: str | None = None  # a file
    sizes: Sequence[tuple[str, int]] = ()  # where they are not those of the model's name
    max_tokens: int = 64
    temperature: float = 0.0

    def predict(self, model: str, weights: str | None, top: int) -> list[Any]:
        """The predictions of each text."""
        if weights is None:
            raise click.UsageError("--text needs --weights: a folder, a file or a published tag")
        predictor = deploy.TextPredictor(
            model,
            weights,
            task=self.task,
            tokenizer=self.tokenizer,
            labels=self.labels,
            slots=self.slots,
            sizes=dict(self.sizes),
            max_tokens=self.max_tokens,
            sampling=model_zoo.Sampling(self.temperature),
        )
        pairs: Any = list(self.contexts) or None
        if len(self.contexts) == 1:
            pairs = self.contexts[0]
        found: list[Any] = predictor(list(self.texts), pairs, top=top)
        return found


OPTIONS = (
    click.option("--text", "texts", multiple=True, help="A sentence, a question, a beginning."),
    click.option(
        "--context",
        "contexts",
        multiple=True,
        help="The second sentence, or where a question is answered: one a text, or one for all.",
    ),
    click.option("--task", help="Of a text model; default: what its weights say."),
    click.option("--tokenizer", metavar="PATH", help="Default: the folder of the weights."),
    click.option("--labels", metavar="FILE", help="Names of classes or tags, one a line."),
    click.option("--slots", metavar="FILE", help="Names of slots, beside --labels of intents."),
    click.option(
        "--size",
        "sizes",
        type=(str, int),
        multiple=True,
        metavar="FIELD NUMBER",
        help="Of the network where it is not that of its name: --size layers 2.",
    ),
    click.option("--max-tokens", default=64, show_default=True, type=click.IntRange(min=1)),
    click.option(
        "--temperature",
        default=0.0,
        type=click.FloatRange(min=0),
        help="Of words by chance; 0, the default, takes the likeliest.",
    ),
)


def text_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of texts to a command, which hands them to ``Texts``."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def show(texts: Sequence[str], found: Sequence[Any], *, as_json: bool) -> None:
    """Prints what was predicted, a row each, or as JSON."""
    rows = [_plain(one) for one in found]
    if as_json:
        print_json([{"text": t, "predictions": r} for t, r in zip(texts, rows, strict=True)])
        return
    for text, row in zip(texts, rows, strict=True):
        click.echo(text)
        if isinstance(row, str):
            click.echo(row)
        elif row and isinstance(row[0], dict):
            header = tuple(row[0])
            click.echo(tables.render(header, [[_cell(v) for v in one.values()] for one in row]))
        else:
            click.echo(" ".join(f"{value:.5f}" for value in row) if row else "nothing found")


def _plain(one: Any) -> Any:
    if isinstance(one, np.ndarray):
        return one.tolist()
    return one if isinstance(one, str) else [dataclasses.asdict(part) for part in one]


def _cell(value: Any) -> Any:
    if isinstance(value, (list, tuple)):  # slots of an intent
        return ", ".join(f"{one['type']}: {one['text']}" for one in value)
    return f"{value:.4f}" if isinstance(value, float) else value
