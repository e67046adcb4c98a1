"""``toolkit info``: a model and its costs, or the installation."""

from __future__ import annotations

import platform
import sys
from typing import Any

import click

from toolkit import __version__, model_zoo
from toolkit.cli.models import describe
from toolkit.cli.options import Size, common, json_option
from toolkit.cli.output import cell, print_json
from toolkit.cli.versions import version
from toolkit.data.vision import PRESETS
from toolkit.utils import gpu as gpus
from toolkit.utils import runtime, tables
from toolkit.utils.files import cache_dir, mirrors

DISTRIBUTIONS = ("mxnet", "numpy", "opencv-python-headless", "pillow", "onnxruntime", "openvino")
COLUMNS = {
    "runtime": ("step", "state", "value", "reason"),
    "weights": ("tag", "file", "size", "metrics", "licence", "source", "bundled"),
}


@click.command()
@click.argument("model", required=False)
@click.option("--size", type=Size(), help="Input size of the costs. Default: the model's own.")
@json_option
@common
def info(model: str | None, size: tuple[int, int] | None, as_json: bool) -> None:
    """Describe MODEL and what it costs to run, or without one this installation."""
    if model is None:
        found = _installation()
    else:
        row = model_zoo.model_info(model)
        found = {**describe(row), **_costs(row, size)}
    if as_json:
        print_json(found)
        return
    nested = {k: found.pop(k) for k in ("runtime", "weights") if k in found}
    lines = [(k, cell(v)) for k, v in found.items() if v not in ("", None, {}, [])]
    click.echo(tables.render((), lines))
    for name, rows in nested.items():
        if rows:
            shown = [key for key in rows[0] if key in COLUMNS[name]]
            cells = [[cell(row[key]) for key in shown] for row in rows]
            click.echo(f"\n{name}\n{tables.render(shown, cells)}")


def _costs(info: Any, size: tuple[int, int] | None) -> dict[str, Any]:
    """What one picture costs, where the model takes pictures and MXNet is there to count."""
    preset = PRESETS.get(info.preprocess)
    if size is None and preset is not None:
        size = preset.size
    if info.domain != "vision" or size is None or runtime.mxnet_missing():
        return {}
    shape = (1, 3, *size)
    summary = model_zoo.summarize(info.name, shape)
    return {
        "input": list(shape),
        "parameters": summary.parameters,
        "multiply_adds": summary.multiply_adds,
        "activation_bytes": summary.activations,
    }


def _installation() -> dict[str, Any]:
    return {
        "toolkit": __version__,
        "python": f"{platform.python_version()} at {sys.executable}",
        "platform": f"{platform.system()} {platform.machine()}",
        **{name: version(name) for name in DISTRIBUTIONS},
        "missing": runtime.mxnet_missing(),
        "gpus": [_describe_gpu(gpu) for gpu in gpus.list_gpus()],
        "cache": cache_dir(),
        "mirrors": list(mirrors()),
        "runtime": [step.to_dict() for step in runtime.report()],
    }


def _describe_gpu(gpu: gpus.Gpu) -> str:
    capability = ".".join(map(str, gpu.capability))
    verdict = "MXNet's CUDA builds run on it" if gpu.supported else "MXNet has no code for it"
    return f"{gpu.name} (compute capability {capability}; {verdict})"
