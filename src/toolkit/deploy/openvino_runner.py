"""Runs an ONNX file in OpenVINO; free of MXNet."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import openvino

from toolkit.deploy.loader import Files, Options
from toolkit.deploy.manifest import Manifest, TensorSpec
from toolkit.deploy.runner import Runner, precision_of
from toolkit.utils.cpu import usable_cores

_log = logging.getLogger(__name__)
BF16, OWN = "bf16", "f32"  # what OpenVINO is asked for: int8 layers are in the file
Shapes = tuple[tuple[int, ...], ...]  # of all inputs
Compile = Callable[[Shapes | None], openvino.CompiledModel]


class OpenVINORunner(Runner):
    """A compiled model; each thread has a request of its own, so that calls run side by side.

    ``runner.model`` takes any shapes that the network does. Shapes that ``warmup`` was called with
    have a model of their own, which OpenVINO plans better.
    """

    backend = "openvino"
    errors = (RuntimeError,)

    def __init__(self, compiled: Compile, manifest: Manifest | None, name: str) -> None:
        self.model = compiled(None)
        if manifest is None:
            ports = self.model.inputs, self.model.outputs
            inputs, outputs = (tuple(map(_spec, row)) for row in ports)
            manifest = Manifest(name, inputs, outputs)
        super().__init__(manifest)
        self._compiled = compiled
        self._fixed: dict[Shapes, openvino.CompiledModel] = {}
        self._local = threading.local()

    def warmup(self, batch: int = 1, calls: int = 2) -> None:
        """As every runner's, and plans for just these shapes."""
        shapes = _shapes(self.sample(batch))
        free = any(None in (spec.shape or ()) for spec in self.manifest.inputs)
        if free and shapes not in self._fixed:
            try:
                self._fixed[shapes] = self._compiled(shapes)
            except RuntimeError as error:
                _log.warning("%s has one plan for all shapes: %s", self.manifest.name, error)
        super().warmup(batch, calls)

    def _run(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        model = self._fixed.get(_shapes(arrays), self.model)
        requests = self._local.__dict__.setdefault("requests", {})
        request = requests.get(id(model))
        if request is None:
            request = requests[id(model)] = model.create_infer_request()
        found = request.infer(dict(enumerate(arrays)), share_inputs=True)
        return [found[output] for output in model.outputs]


def _shapes(arrays: list[np.ndarray]) -> Shapes:
    return tuple(array.shape for array in arrays)


def open_runner(files: Files, manifest: Manifest | None, options: Options) -> OpenVINORunner:
    """Compiles a model for the CPU.

    Raises:
        ValueError: the file is no ONNX model, or ``ctx`` or a precision was asked for that is
            neither the file's own nor bf16, which what is float in it can be computed in.
    """
    if options.ctx is not None:
        raise ValueError(f"ctx {options.ctx} is a context of MXNet; OpenVINO does not know it")
    own = precision_of(manifest)
    if options.precision not in (None, own, BF16):
        raise ValueError(
            f"OpenVINO runs this file in {own} or {BF16}, not in {options.precision}; quantize "
            "makes int8 exports"
        )
    settings = {
        "INFERENCE_PRECISION_HINT": BF16 if options.precision == BF16 else OWN,
        "INFERENCE_NUM_THREADS": options.threads or usable_cores()[0],
        "PERFORMANCE_HINT": "LATENCY",
    }
    core = openvino.Core()

    def compiled(shapes: Shapes | None) -> openvino.CompiledModel:
        if shapes is None:
            return core.compile_model(str(files.graph), "CPU", settings)
        model = core.read_model(str(files.graph))
        model.reshape(dict(enumerate(map(list, shapes))))
        return core.compile_model(model, "CPU", settings)

    try:
        return OpenVINORunner(compiled, manifest, files.prefix.name)
    except RuntimeError as error:
        raise ValueError(f"{files.graph} is no network that OpenVINO runs: {error}") from error


def _spec(port: Any) -> TensorSpec:
    axes = port.get_partial_shape()
    shape = None if axes.rank.is_dynamic else tuple(_length(axis) for axis in axes)
    return TensorSpec(port.get_any_name(), shape, port.get_element_type().to_dtype().name)


def _length(axis: Any) -> int | None:
    return None if axis.is_dynamic else axis.get_length()
