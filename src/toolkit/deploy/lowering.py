"""From a float32 graph to one that computes in bfloat16."""

from __future__ import annotations

from dataclasses import replace

import mxnet as mx
from mxnet.contrib import amp

from toolkit.deploy.folding import fold
from toolkit.deploy.graph import Graph
from toolkit.deploy.manifest import Manifest
from toolkit.utils.cpu import cpu_info

BF16_FLAGS = frozenset({"avx512bw", "avx512vl", "avx512dq"})  # what oneDNN's bfloat16 is built on


def lower(graph: Graph, manifest: Manifest, precision: str) -> tuple[Graph, Manifest]:
    """The same network in another precision.

    Raises:
        ValueError: it cannot be had: int8 needs data, and bf16 a CPU with AVX-512.
    """
    if precision == "bf16" and manifest.precision == "fp32":
        missing = BF16_FLAGS - cpu_info()[1]
        if missing:
            lacks = ", ".join(sorted(missing))
            raise ValueError(f"bf16 in MXNet needs a CPU with AVX-512; this one lacks {lacks}")
        return to_bfloat16(graph), replace(manifest, precision="bf16")
    advice = {
        "int8": "make an int8 export with toolkit.deploy.quantize, which needs data to calibrate",
        "fp16": "export_onnx(..., precision='fp16') writes it for ONNX Runtime and OpenVINO",
    }.get(precision, "load the float export in its place")
    raise ValueError(f"{manifest.name} is {manifest.precision}, not {precision}: {advice}")


def to_bfloat16(graph: Graph) -> Graph:
    """Convolutions and dense layers in bfloat16, all that needs it in float32.

    BatchNorm is folded first: it stays in float32, and a cast before each would cost more than
    bfloat16 gains.
    """
    folded = fold(graph)
    states = set(folded.symbol.list_auxiliary_states())
    arguments = {name: array for name, array in folded.arrays.items() if name not in states}
    aux = {name: array for name, array in folded.arrays.items() if name in states}
    symbol, arguments, aux = amp.convert_model(
        folded.symbol, arguments, aux, "bfloat16", cast_optional_params=True
    )
    mx.nd.waitall()
    return replace(folded, symbol=symbol, arrays={**arguments, **aux})
