"""Runs an ONNX file in ONNX Runtime; free of MXNet."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as native

from toolkit.deploy.loader import Files, Options
from toolkit.deploy.manifest import Manifest, TensorSpec
from toolkit.deploy.runner import Runner, precision_of
from toolkit.utils.cpu import usable_cores

NUMPY_NAMES = {"float": "float32", "double": "float64"}  # the rest are called as in NumPy


class OnnxRunner(Runner):
    """An ONNX Runtime session; ``runner.session`` is it."""

    backend = "onnxruntime"
    errors = (native.Fail, native.InvalidArgument, native.RuntimeException)

    def __init__(self, session: onnxruntime.InferenceSession, manifest: Manifest) -> None:
        super().__init__(manifest)
        self.session = session
        self._names = [value.name for value in session.get_inputs()]

    def _run(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        feed = dict(zip(self._names, arrays, strict=True))
        return [np.asarray(output) for output in self.session.run(None, feed)]


def open_runner(files: Files, manifest: Manifest | None, options: Options) -> OnnxRunner:
    """Starts a session on the CPU with as many threads as there are cores for this process.

    Raises:
        ValueError: the file is no ONNX model, or ``ctx`` or another precision was asked for.
    """
    if options.ctx is not None:
        raise ValueError(f"ctx {options.ctx} is a context of MXNet; ONNX Runtime does not know it")
    own = precision_of(manifest)
    if options.precision not in (None, own):
        raise ValueError(
            f"ONNX Runtime runs this file in {own} only, not in {options.precision}; the mxnet "
            "and openvino backends do bf16, and quantize makes int8 exports"
        )
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads or usable_cores()[0]
    try:
        session = onnxruntime.InferenceSession(
            str(files.graph), settings, providers=["CPUExecutionProvider"]
        )
    except (*OnnxRunner.errors, native.InvalidProtobuf, native.NotImplemented) as error:
        raise ValueError(f"{files.graph} is no network that ONNX Runtime runs: {error}") from error
    inputs = tuple(map(_spec, session.get_inputs()))
    outputs = tuple(map(_spec, session.get_outputs()))
    if manifest is None:
        manifest = Manifest(files.prefix.name, inputs, outputs)
    return OnnxRunner(session, replace(manifest, inputs=inputs, outputs=outputs))


def _spec(value: Any) -> TensorSpec:
    found = re.fullmatch(r"tensor\((\w+)\)", value.type)
    kind = found[1] if found else value.type
    shape = None
    if value.shape is not None:
        shape = tuple(n if isinstance(n, int) else None for n in value.shape)
    return TensorSpec(value.name, shape, NUMPY_NAMES.get(kind, kind))
