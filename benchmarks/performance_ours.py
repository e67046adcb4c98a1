"""A candidate of `benchmarks/performance.py` that runs on MXNet, ONNX Runtime or OpenVINO.

python benchmarks/performance_ours.py '{"do": "runner", "path": ..., "backend": "mxnet"}'
"""

from __future__ import annotations

import atexit
import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from toolkit import deploy
from toolkit.utils.cpu import usable_cores

import numpy as np
from children import serve

Call = Callable[[], object]
WHOLE_PROCESS = ExitStack()  # of changes to networks; what is only entered is undone as garbage
atexit.register(WHOLE_PROCESS.close)


def arrays(path: str) -> list[np.ndarray]:
    with np.load(path) as file:
        return [file[name] for name in file.files]


def runner(path: str, inputs: str, backend: str, precision: str | None = None) -> Call:
    """Through `toolkit.deploy.load`."""
    given, net = arrays(inputs), deploy.load(path, backend=backend, precision=precision)
    net.warmup(len(given[0]))
    return lambda: net(*given)


def onnxruntime(path: str, inputs: str) -> Call:
    """ONNX Runtime called directly."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()[0]
    session = onnxruntime.InferenceSession(f"{path}.onnx", options, ["CPUExecutionProvider"])
    names = [row.name for row in session.get_inputs()]
    given = dict(zip(names, arrays(inputs), strict=True))
    return lambda: session.run(None, given)


def openvino(path: str, inputs: str) -> Call:
    """OpenVINO called directly, with what its manual says for latency."""
    import openvino

    settings = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": usable_cores()[0],
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = openvino.Core().compile_model(f"{path}.onnx", "CPU", settings)
    request, given = compiled.create_infer_request(), dict(enumerate(arrays(inputs)))
    return lambda: request.infer(given, share_inputs=True)


def network(model: str, batch: int) -> Any:
    import mxnet as mx

    net = getattr(mx.gluon.model_zoo.vision, model)()
    net.initialize()
    net.hybridize(static_alloc=True, static_shape=True)
    return net, mx.nd.random.normal(shape=(batch, 3, 224, 224))


def stock(model: str, batch: int) -> Call:
    """MXNet's own network, hybridized; without the runtime's preparation where that is off."""
    net, data = network(model, batch)
    return lambda: net(data).wait_to_read()


def train(model: str, batch: int, precision: str = "fp32") -> Call:
    """One step of SGD with momentum."""
    from toolkit.utils.training.precision import reduced

    import mxnet as mx

    net, data = network(model, batch)
    if precision == "bf16":
        WHOLE_PROCESS.enter_context(reduced(net, "bfloat16", [mx.cpu()]))
    return training(net, (data,), "sgd", learning_rate=1e-3, momentum=0.9)


def train_bert(batch: int, length: int) -> Call:
    """One step of Adam, of a classifier of texts."""
    from toolkit.model_zoo import get_model

    import mxnet as mx

    net = get_model("bert_12_768_12", task="text_classifier", classes=2)
    net.initialize(mx.init.Normal(0.02))
    net.hybridize(static_alloc=True, static_shape=True)
    tokens = mx.nd.random.randint(0, 30000, shape=(batch, length))
    given = tokens, mx.nd.zeros_like(tokens), mx.nd.full(batch, length, dtype="int32")
    return training(net, given, "adam", learning_rate=2e-5)


def training(net: Any, given: tuple[Any, ...], optimizer: str, **options: float) -> Call:
    """One step of a classifier, as `fit` makes it."""
    from toolkit.utils.training import quick_gradients

    import mxnet as mx

    WHOLE_PROCESS.enter_context(quick_gradients(net, [mx.cpu()]))
    loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    trainer = mx.gluon.Trainer(net.collect_params(), optimizer, options)
    batch = len(given[0])
    labels = mx.nd.arange(batch) % 2

    def step() -> None:
        with mx.autograd.record():
            value = loss(net(*given), labels)
        value.backward()
        trainer.step(batch)
        mx.nd.waitall()

    return step


def peak(precision: str, side: int, products: int = 1, rows: int | None = None) -> Call:
    """Products of matrices, square ones by default, in oneDNN: OpenVINO's in bf16."""
    import mxnet as mx

    if precision == "bf16":
        return peak_bf16(side, products, rows or side)
    if precision == "fp32":
        left, right = (mx.nd.random.uniform(shape=(side, side)) for _ in range(2))
        dense = {"no_bias": True, "num_hidden": side}
        return lambda: mx.nd.FullyConnected(left, right, **dense).wait_to_read()
    left, right = (mx.nd.ones((side, side), dtype=kind) for kind in ("uint8", "int8"))
    ends = [mx.nd.array([value]) for value in (0, 1, -1, 1)]
    call = mx.nd.contrib.quantized_fully_connected
    options = {"no_bias": True, "num_hidden": side}
    given = {"data": left, "weight": right}
    given |= dict(zip(("min_data", "max_data", "min_weight", "max_weight"), ends, strict=True))
    return lambda: call(**given, **options)[0].wait_to_read()


def peak_bf16(side: int, products: int, rows: int) -> Call:
    """One after the other, so that the ends, which are float, take little of the time."""
    import openvino
    from openvino import opset13 as ops

    rng = np.random.default_rng(0)
    data = product = ops.parameter([rows, side], np.float32)
    for _ in range(products):
        weight = rng.normal(size=(side, side)) / side**0.5
        product = ops.matmul(product, ops.constant(weight.astype(np.float32)), False, True)
    settings = {"INFERENCE_PRECISION_HINT": "bf16", "INFERENCE_NUM_THREADS": usable_cores()[0]}
    model = openvino.Model([product], [data], "product")
    request = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()
    given = {0: np.ones((rows, side), np.float32)}
    return lambda: request.infer(given, share_inputs=True)


KINDS: dict[str, Callable[..., Call]] = {
    function.__name__: function
    for function in (runner, onnxruntime, openvino, stock, train, train_bert, peak)
}


if __name__ == "__main__":
    spec = json.loads(sys.argv[1])
    serve(KINDS[spec.pop("do")](**spec))
