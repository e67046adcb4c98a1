"""``toolkit quantize``: a model in int8, with its accuracy before and after."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import numpy as np

from toolkit import deploy, model_zoo
from toolkit.cli.errors import UserError
from toolkit.cli.options import common, weights_option
from toolkit.data.samplers import spread_evenly
from toolkit.data.vision import ImageFolderDataset, ImagePreset, ImageRecordDataset
from toolkit.deploy.loader import exists
from toolkit.deploy.mxnet_runner import graph_of
from toolkit.utils import tables

SHOWN = ("name", "calibration", "batches", "int8", "before", "after", "drop")
BATCH = 32


@click.command()
@click.argument("model")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path),
    help="Pictures to calibrate on: a folder of one folder a class, or a .rec file.",
)
@click.option(
    "--eval",
    "evaluation",
    type=click.Path(path_type=Path),
    help="Pictures to measure accuracy on. Default: those of --data.",
)
@click.option("--calibration", default="naive", show_default=True, metavar="naive|entropy")
@click.option("--samples", default=320, show_default=True, type=click.IntRange(min=1))
@click.option("--max-drop", type=float, help="Refuse to lose more accuracy, such as 0.01.")
@click.option("--onnx", is_flag=True, help="Write PATH.onnx, too, in int8 for other runtimes.")
@weights_option
@common
def quantize(
    model: str,
    path: Path,
    data: Path,
    evaluation: Path | None,
    *,
    calibration: str,
    samples: int,
    max_drop: float | None,
    onnx: bool,
    weights: str | None,
) -> None:
    """Write MODEL, a name or an exported one, as an int8 graph that begins with PATH.

    --samples pictures are spread evenly over the data.
    """
    source = model if exists(model) else model_zoo.get_model(model, pretrained=weights or True)
    _, manifest = graph_of(source)
    if manifest.preprocess is None:
        raise UserError(f"{model} does not say how pictures are prepared")
    preset = ImagePreset.from_dict(manifest.preprocess)
    pictures = [x for x, _ in _batches(data, preset, manifest.labels, samples)]
    measured = _batches(evaluation or data, preset, manifest.labels, None)
    report = deploy.quantize(
        source,
        path,
        pictures,
        calibration=calibration,
        score=deploy.accuracy(measured),
        max_drop=max_drop,
    )
    if onnx:
        deploy.export_onnx(path, path)
    values = {**dataclasses.asdict(report), "drop": report.drop}
    click.echo(tables.render((), [(name, str(values[name])) for name in SHOWN]))


def _batches(
    path: Path, preset: ImagePreset, labels: Sequence[str] | None, limit: int | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Prepared pictures and their classes; with a limit, that many from all over the data."""
    rows = ImageFolderDataset(path, labels) if path.is_dir() else ImageRecordDataset(path)
    chosen = spread_evenly(len(rows), limit)
    for start in range(0, len(chosen), BATCH):
        pairs = [rows[place] for place in chosen[start : start + BATCH]]
        pictures = np.stack([preset(image) for image, _ in pairs])
        yield pictures, np.array([int(np.ravel(label)[0]) for _, label in pairs])
