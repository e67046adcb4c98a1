"""A candidate of `benchmarks/performance.py` that runs on torch; imports nothing of the toolkit.

PEERS benchmarks/performance_torch.py '{"do": "vision", "model": "resnet50", "batch": 16}'
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from children import serve

Call = Callable[[], object]


def autocast(precision: str) -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")


def inferring(net: Any, given: dict[str, Any], precision: str) -> Call:
    def call() -> object:
        with torch.inference_mode(), autocast(precision):
            return net(**given)

    return call


def vision(model: str, batch: int, mode: str = "eager", precision: str = "fp32") -> Call:
    """torchvision's network: eager, channels_last, or compiled in that layout."""
    import torchvision

    net, data = torchvision.models.get_model(model).eval(), torch.randn(batch, 3, 224, 224)
    if mode != "eager":
        net, data = (x.to(memory_format=torch.channels_last) for x in (net, data))
    if mode == "compile":
        net = torch.compile(net)
    return inferring(net, {"x": data}, precision)


def bert(batch: int, length: int, mode: str = "eager", precision: str = "fp32") -> Call:
    """BERT-base of transformers, with its fastest attention."""
    import transformers

    net = transformers.BertModel(transformers.BertConfig(), add_pooling_layer=False).eval()
    tokens = torch.from_numpy(np.random.default_rng(0).integers(0, 30000, (batch, length)))
    given = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}
    if mode == "compile":
        net = torch.compile(net)
    return inferring(net, given, precision)


def train(model: str, batch: int, precision: str = "fp32") -> Call:
    """One step of SGD with momentum, channels_last."""
    import torchvision

    net = torchvision.models.get_model(model).to(memory_format=torch.channels_last)
    data = torch.randn(batch, 3, 224, 224).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(net.parameters(), 1e-3, momentum=0.9)
    return training(net, {"x": data}, optimizer, precision)


def train_bert(batch: int, length: int) -> Call:
    """One step of Adam, of a classifier of texts of transformers."""
    import transformers

    net = transformers.BertForSequenceClassification(transformers.BertConfig()).train()
    tokens = torch.randint(0, 30000, (batch, length))
    given = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}
    return training(net, given, torch.optim.Adam(net.parameters(), 2e-5))


def training(
    net: torch.nn.Module,
    given: dict[str, Any],
    optimizer: torch.optim.Optimizer,
    precision: str = "fp32",
) -> Call:
    """One step of a classifier."""
    labels = torch.arange(len(next(iter(given.values())))) % 2

    def step() -> None:
        optimizer.zero_grad()
        with autocast(precision):
            outputs = net(**given)
            loss = torch.nn.functional.cross_entropy(getattr(outputs, "logits", outputs), labels)
        loss.backward()
        optimizer.step()

    return step


def detector(path: str, inputs: str) -> Call:
    """The raw network in ONNX Runtime, then torchvision's suppression, class by class."""
    import onnxruntime
    import torchvision

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(f"{path}.onnx", options, ["CPUExecutionProvider"])
    with np.load(inputs) as file:
        given = {session.get_inputs()[0].name: file[file.files[0]]}

    def call() -> object:
        scores, codes, anchors = (torch.from_numpy(x) for x in session.run(None, given)[:3])
        probs = scores.softmax(-1)[0, :, 1:]
        centers, sizes = anchors[0, :, :2], anchors[0, :, 2:]
        middles = codes[0, :, :2] * 0.1 * sizes + centers
        halves = (codes[0, :, 2:] * 0.2).exp() * sizes / 2
        boxes = torch.cat([middles - halves, middles + halves], 1)
        rows, ids = (probs > 0.01).nonzero(as_tuple=True)
        best = probs[rows, ids].topk(min(400, len(rows)))
        rows, ids = rows[best.indices], ids[best.indices]
        kept = torchvision.ops.batched_nms(boxes[rows], best.values, ids, 0.45)[:100]
        return boxes[rows][kept], best.values[kept], ids[kept]

    return call


KINDS: dict[str, Callable[..., Call]] = {
    function.__name__: function for function in (vision, bert, train, train_bert, detector)
}


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("THREADS", torch.get_num_threads())))
    spec = json.loads(sys.argv[1])
    call = KINDS[spec.pop("do")](**spec)
    found = {name: sys.modules.get(name) for name in ("torch", "torchvision", "transformers")}
    serve(call, **{name: module.__version__ for name, module in found.items() if module})
