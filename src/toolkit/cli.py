"""The ``toolkit`` command: a thin layer over the packages below it."""

from __future__ import annotations

import dataclasses
import errno
import importlib
import importlib.metadata
import json
import logging
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar

import click
import numpy as np

import toolkit
from toolkit import deploy, model_zoo
from toolkit.data.vision import PRESETS
from toolkit.utils import gpu as gpus
from toolkit.utils import install, runtime, tables
from toolkit.utils.files import cache_dir, mirrors

USER_ERRORS = (ValueError, OSError, ImportError, install.SetupError)
DISTRIBUTIONS = ("mxnet", "numpy", "opencv-python-headless", "pillow", "onnxruntime", "openvino")
COLUMNS = {
    "runtime": ("step", "state", "value", "reason"),
    "weights": ("tag", "file", "size", "metrics", "licence", "source", "bundled"),
}
_DEBUG = "toolkit.debug"
Command = TypeVar("Command", bound=Callable[..., Any])


class UserError(click.ClickException):
    """Something that the user can put right: one line on stderr, exit status 1."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Prints the message in the style of compilers."""
        click.echo(f"error: {self.format_message()}", file=file, err=True)


class Commands(click.Group):
    """Turns the errors that users cause into messages without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; ``--debug`` lets errors through as they are."""
        try:
            return super().invoke(ctx)
        except USER_ERRORS as error:
            if ctx.meta.get(_DEBUG) or getattr(error, "errno", None) == errno.EPIPE:
                raise
            raise UserError(_message(error)) from error


def _message(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.strerror}: {error.filename}"
    return str(error) or type(error).__name__


def _be_verbose(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
        logging.getLogger("toolkit").setLevel(logging.DEBUG)


def _let_errors_through(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        context.meta[_DEBUG] = True


def _common(command: Command) -> Command:
    """Adds the options that every command has."""
    for name, callback, text in (
        ("--debug", _let_errors_through, "Show tracebacks of errors."),
        ("--verbose", _be_verbose, "Log what is done, on stderr."),
    ):
        add = click.option(name, is_flag=True, expose_value=False, callback=callback, help=text)
        command = add(command)
    return command


_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_weights = click.option(
    "--weights",
    metavar="FILE",
    help="A file of weights, or the tag of published ones. Default: the published ones.",
)


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def _versions() -> str:
    found = [f"toolkit {toolkit.__version__}", f"Python {platform.python_version()}"]
    found += [f"{name} {_version(name)}" for name in ("mxnet", "numpy")]
    return ", ".join(found)


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(toolkit.__version__, message=_versions())
@_common
def main() -> None:
    """Computer vision and natural language processing on MXNet's Gluon."""


@main.command()
@click.argument("pattern", default="*")
@click.option("--task", help="Only models of this task, such as image_classifier.")
@click.option("--domain", help="Only models of this domain: vision or text.")
@click.option("--pretrained", is_flag=True, help="Only models with published weights.")
@_as_json
@_common
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
        _print_json([_describe(info) for info in found])
        return
    rows = [(i.name, i.task, i.classes, _tags(i.weights), _metrics(i.weights)) for i in found]
    click.echo(tables.render(("model", "task", "classes", "weights", "published result"), rows))
    click.echo(f"{len(found)} models, {sum(bool(i.weights) for i in found)} with weights", err=True)


def _describe(info: Any) -> dict[str, Any]:
    """A model's row without what only the loader of weights can read."""
    fields = {f.name: getattr(info, f.name) for f in dataclasses.fields(info)}
    fields.pop("renames", None)
    return {**fields, "weights": [dataclasses.asdict(entry) for entry in info.weights]}


def _tags(weights: Sequence[Any]) -> str:
    return ", ".join(w.tag + (" (bundled)" if w.bundled else "") for w in weights)


def _metrics(weights: Sequence[Any]) -> str:
    return _text(dict(weights[0].metrics)) if weights else ""


class Size(click.ParamType):
    """A picture's height and width, as in ``224x224``."""

    name = "HxW"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Reads the two numbers."""
        if isinstance(value, tuple):
            return value
        parts = str(value).lower().split("x")
        if len(parts) != 2 or not all(p.isdecimal() and int(p) for p in parts):
            self.fail(
                f"{value!r} is not a height and a width in pixels, such as 224x224", param, ctx
            )
        return int(parts[0]), int(parts[1])


@main.command()
@click.argument("model", required=False)
@click.option("--size", type=Size(), help="Input size of the costs. Default: the model's own.")
@_as_json
@_common
def info(model: str | None, size: tuple[int, int] | None, as_json: bool) -> None:
    """Describe MODEL and what it costs to run, or without one this installation."""
    if model is None:
        found = _installation()
    else:
        row = model_zoo.model_info(model)
        found = {**_describe(row), **_costs(row, size)}
    if as_json:
        _print_json(found)
        return
    nested = {k: found.pop(k) for k in ("runtime", "weights") if k in found}
    lines = [(k, _text(v)) for k, v in found.items() if v not in ("", None, {}, [])]
    click.echo(tables.render((), lines))
    for name, rows in nested.items():
        if rows:
            shown = [key for key in rows[0] if key in COLUMNS[name]]
            cells = [[_text(row[key]) for key in shown] for row in rows]
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


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _installation() -> dict[str, Any]:
    return {
        "toolkit": toolkit.__version__,
        "python": f"{platform.python_version()} at {sys.executable}",
        "platform": f"{platform.system()} {platform.machine()}",
        **{name: _version(name) for name in DISTRIBUTIONS},
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


@main.command()
@click.argument("model")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@_weights
@click.option("--top", default=5, show_default=True, type=click.IntRange(min=1))
@_as_json
@_common
def predict(
    model: str, images: Sequence[str], weights: str | None, top: int, as_json: bool
) -> None:
    """Say what is in each IMAGE, with MODEL: a name, or the path of an exported model.

    A picture that cannot be read does not keep the others from being named; the status is 1 then.
    """
    predictor = deploy.Predictor(model, pretrained=weights or True)
    on_error = "raise" if len(images) == 1 else "skip"
    found = list(predictor.stream(images, top, on_error=on_error))
    if as_json:
        rows = [[dataclasses.asdict(p) for p in one] for one in found]
        _print_json([{"image": i, "predictions": r} for i, r in zip(images, rows, strict=True)])
    else:
        cells = [
            (image if rank == 0 else "", p.label, f"{p.prob:.4f}", p.index)
            for image, one in zip(images, found, strict=True)
            for rank, p in enumerate(one)
        ]
        click.echo(tables.render(("image", "label", "prob", "index"), cells))
    if unread := sum(not one for one in found):
        raise UserError(f"{unread} of {len(images)} pictures could not be read")


@main.command()
@click.argument("model")
@click.argument("path", type=click.Path(path_type=Path))
@_weights
@click.option("--size", type=Size(), help="Input size. Default: what the model was trained on.")
@_common
def export(model: str, path: Path, weights: str | None, size: tuple[int, int] | None) -> None:
    """Write MODEL as a symbolic graph: PATH-symbol.json, PATH-0000.params, PATH-manifest.json."""
    net = model_zoo.get_model(model, pretrained=weights or True)
    example = None if size is None else np.zeros((1, 3, *size), np.float32)
    manifest = deploy.export(net, path, example)
    for file in sorted(manifest.parent.glob(f"{path.name}-*")):
        click.echo(f"{file}  {file.stat().st_size:,} bytes")


@main.command()
@_common
def demo() -> None:
    """Name what is in a picture with bundled weights, export the network, load it, compare."""
    # Not at the top: it imports MXNet, and this module has to do without.
    importlib.import_module("toolkit.demo").run(click.echo)


@main.command()
@click.option("--numpy2", is_flag=True, help="Install NumPy 2 where NumPy 1 would do as well.")
@click.option("--dry-run", is_flag=True, help="Only print the command.")
@_common
def setup(numpy2: bool, dry_run: bool) -> None:
    """Install MXNet where pip alone does not: on Python 3.13, or beside NumPy 2."""
    install.setup(click.echo, numpy2=numpy2, dry_run=dry_run)
