"""ONNX models beyond protobuf's two gigabytes: the weights lie in a file beside the model."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

DATA = ".onnx.data"
MOST = 2**31 - 2**26  # bytes of weights in the model's own file; the rest of it needs some, too
SMALL = 1024  # bytes of what stays in the model: shapes and axes, which checks want to see
ALIGNED = 4096  # bytes, so that runtimes can map the file


def tensors(arrays: Mapping[str, np.ndarray], data: Path | None) -> list[Any]:
    """The initializers of a model.

    Args:
        arrays: By name.
        data: Where large ones are written; None keeps all of them in the model. The name of the
            file is the one that the model will know it by.
    """
    helper = importlib.import_module("onnx.numpy_helper")
    if data is None:
        return [helper.from_array(array, name) for name, array in arrays.items()]
    made = []
    with open(data, "wb") as file:
        for name, array in arrays.items():
            if array.nbytes < SMALL:
                made.append(helper.from_array(array, name))
                continue
            file.seek(-(-file.tell() // ALIGNED) * ALIGNED)
            made.append(_outside(name, array, data.name, file.tell()))
            file.write(np.ascontiguousarray(array).data)
    return made


def _outside(name: str, array: np.ndarray, location: str, offset: int) -> Any:
    onnx = importlib.import_module("onnx")
    tensor = onnx.TensorProto(name=name, dims=array.shape)
    tensor.data_type = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": location, "offset": offset, "length": array.nbytes}.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor
