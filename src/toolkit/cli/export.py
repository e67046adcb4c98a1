"""``toolkit export``: a model as a symbolic graph."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from toolkit import deploy, model_zoo
from toolkit.cli.options import Size, common, weights_option


@click.command()
@click.argument("model")
@click.argument("path", type=click.Path(path_type=Path))
@weights_option
@click.option("--size", type=Size(), help="Input size. Default: what the model was trained on.")
@click.option("--onnx", is_flag=True, help="Write PATH.onnx, too.")
@click.option("--fp16", is_flag=True, help="Write PATH-fp16.onnx, too, half as large.")
@common
def export(
    model: str,
    path: Path,
    weights: str | None,
    size: tuple[int, int] | None,
    onnx: bool,
    fp16: bool,
) -> None:
    """Write MODEL as a symbolic graph: PATH-symbol.json, PATH-0000.params, PATH-manifest.json."""
    net = model_zoo.get_model(model, pretrained=weights or True)
    example = None if size is None else np.zeros((1, 3, *size), np.float32)
    manifest = deploy.export(net, path, example)
    files = sorted(manifest.parent.glob(f"{path.name}-*"))
    if onnx:
        files.append(deploy.export_onnx(path, path))
    if fp16:
        half = path.with_name(f"{path.name}-fp16")
        files.append(deploy.export_onnx(path, half, precision="fp16"))
    for file in files:
        click.echo(f"{file}  {file.stat().st_size:,} bytes")
