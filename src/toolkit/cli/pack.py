"""``toolkit pack``: image files into RecordIO files."""

from __future__ import annotations

from pathlib import Path

import click

from toolkit.cli.options import common
from toolkit.data.pipeline import LoadingError
from toolkit.data.vision.packing import Packing


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("prefix", type=click.Path(path_type=Path))
@click.option("--resize", type=int, help="Shrink the shorter side to this. Default: do not.")
@click.option("--quality", type=int, help="Encode as JPEG of this quality. Default: keep files.")
@click.option("--train-ratio", type=float, default=1.0, show_default=True, help="Of a split.")
@click.option("--test-ratio", type=float, default=0.0, show_default=True, help="Of a split.")
@click.option("--shuffle/--no-shuffle", default=True, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the shuffling.")
@click.option("--workers", type=int, default=0, show_default=True, help="Processes.")
@click.option("--skip-errors", is_flag=True, help="Leave out pictures that cannot be read.")
@common
def pack(source: Path, prefix: Path, skip_errors: bool, **options: int | float | None) -> None:
    """Pack images into PREFIX.rec, PREFIX.idx and PREFIX.lst.

    SOURCE is a folder with one folder a class, or a .lst file (number, labels, path, by tabs; paths
    relative to its folder). With ratios below 1 the files are PREFIX_train, _test and _val.
    """
    packing = Packing(on_error="skip" if skip_errors else "raise", **options)  # type: ignore[arg-type]
    try:
        packed = packing.pack(source, prefix)
    except LoadingError as error:  # the rest is a worker's traceback
        raise ValueError(str(error).split("\n", 1)[0]) from error
    for one in packed:
        skipped = f", {one.skipped} skipped" if one.skipped else ""
        click.echo(f"{one.path}  {one.written} images{skipped}  {one.path.stat().st_size:,} bytes")
