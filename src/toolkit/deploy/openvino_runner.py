"""Runs an ONNX file in OpenVINO; free of MXNet."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import openvino

from toolkit.deploy.loader import Files, Options
from toolkit.deploy.manifest import Manifest, TensorSpec
from toolkit.deploy.runner import Runner, precision_of
from toolkit.utils.cpu import usable_cores

BF16, OWN = "bf16", "f32"  # what OpenVINO is asked for: int8 layers are in the file


class OpenVINORunner(Runner):
    """A compiled model; each thread has a request of its own, so that calls run side by side."""

    backend = "openvino"
    errors = (RuntimeError,)

    def __init__(self, model: openvino.CompiledModel, manifest: Manifest) -> None:
        super().__init__(manifest)
        self.model = model
        self._local = threading.local()

    def _run(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        request = getattr(self._local, "request", None)
        if request is None:
            request = self._local.request = self.model.create_infer_request()
        found = request.infer(dict(enumerate(arrays)), share_inputs=True)
        return [found[output] for output in self.model.outputs]


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
    try:
        model = openvino.Core().compile_model(str(files.graph), "CPU", settings)
    except RuntimeError as error:
        raise ValueError(f"{files.graph} is no network that OpenVINO runs: {error}") from error
    if manifest is None:
        inputs, outputs = (tuple(map(_spec, ports)) for ports in (model.inputs, model.outputs))
        manifest = Manifest(files.prefix.name, inputs, outputs)
    return OpenVINORunner(model, manifest)


def _spec(port: Any) -> TensorSpec:
    axes = port.get_partial_shape()
    shape = None if axes.rank.is_dynamic else tuple(_length(axis) for axis in axes)
    return TensorSpec(port.get_any_name(), shape, port.get_element_type().to_dtype().name)


def _length(axis: Any) -> int | None:
    return None if axis.is_dynamic else axis.get_length()
