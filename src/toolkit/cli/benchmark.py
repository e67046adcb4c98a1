"""``toolkit benchmark``: how long a model takes on each backend of this machine."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path

import click

from toolkit import deploy, model_zoo
from toolkit.cli.options import common, json_option
from toolkit.cli.output import print_json
from toolkit.deploy.loader import BACKENDS, exists
from toolkit.deploy.measuring import interleaved, machine
from toolkit.deploy.runner import Runner
from toolkit.utils import tables

HEADER = ("backend", "median ms", "min", "max", "samples/s", "times the first")


@click.command()
@click.argument("model")
@click.option("--batch", default=1, show_default=True, type=click.IntRange(min=1))
@click.option("--rounds", default=20, show_default=True, type=click.IntRange(min=1))
@click.option("--precision", metavar="fp32|bf16|int8", help="Default: as exported.")
@json_option
@common
def benchmark(model: str, batch: int, rounds: int, precision: str | None, as_json: bool) -> None:
    """Time MODEL, a name (random weights) or an exported one, on every backend that is installed.

    The backends take turns, so that whatever else the machine does hits all alike.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = model if exists(model) else _export(model, Path(folder) / "net")
        runners = _runners(path, precision)
        calls = {name: _call(runner, batch) for name, runner in runners.items()}
        rows = interleaved(calls, rounds)
    if as_json:
        timings = [dataclasses.asdict(row) for row in rows]
        print_json({"model": model, "batch": batch, "machine": machine(), "timings": timings})
        return
    cells = [
        (row.name, *(f"{n:.2f}" for n in (row.median, row.least, row.most)),
         f"{1000 * batch / row.median:.1f}", f"{row.ratio:.2f}")
        for row in rows
    ]  # fmt: skip
    click.echo(tables.render(HEADER, cells))


def _export(name: str, path: Path) -> Path:
    """The model with random values, which do not matter for the time, for all backends."""
    net = model_zoo.get_model(name)
    net.initialize()
    deploy.export(net, path)
    try:
        deploy.export_onnx(path, path)
    except (deploy.UnsupportedOperatorError, ModuleNotFoundError) as error:
        click.echo(f"no ONNX file: {error}", err=True)
    return path


def _runners(path: str | Path, precision: str | None) -> dict[str, Runner]:
    runners, failures = {}, []
    for row in BACKENDS:
        try:
            runners[row.name] = deploy.load(path, backend=row.name, precision=precision)
        except (FileNotFoundError, ModuleNotFoundError, ValueError) as error:
            failures.append(error)
            click.echo(f"without {row.name}: {error}", err=True)
    if not runners:
        raise failures[0]
    return runners


def _call(runner: Runner, batch: int) -> Callable[[], object]:
    arrays = runner.sample(batch)
    return lambda: runner(*arrays)
