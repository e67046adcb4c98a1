"""``toolkit plot``: the curves of training logs as a picture."""

from __future__ import annotations

from pathlib import Path

import click

from toolkit.cli.options import common
from toolkit.utils.training import curves


@click.command()
@click.argument("logs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="LOG...")
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("curves.png"),
    show_default=True,
    help="The PNG file to write.",
)
@click.option("--x", help=f"Horizontal axis: {', '.join(curves.AXES)}. Default: the first in all.")
@click.option("--value", "values", multiple=True, help="Only this value; may be given repeatedly.")
@click.option(
    "--smooth",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    help="Weight of the past, 0 to below 1.",
)
@click.option("--log-scale", is_flag=True, help="Scale the vertical axes logarithmically.")
@common
def plot(
    logs: tuple[Path, ...],
    out: Path,
    x: str | None,
    values: tuple[str, ...],
    smooth: float,
    log_scale: bool,
) -> None:
    """Draw the values of each LOG, a file of JSON lines or a run's folder, into one picture."""
    axis, found = curves.read_curves(logs, x=x, values=values)
    curves.plot(axis, found, out, smooth=smooth, log=log_scale)
    click.echo(str(out))
