"""What `benchmarks/performance.py` compares: a row a workload, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from toolkit.utils.cpu import cpu_info

BF16 = "avx512_bf16" in cpu_info()[1]  # elsewhere it is emulated, and float is faster
Spec = dict[str, Any]
SIDE = 2048  # of the matrices whose products tell a peak
PEAKS = {"fp32": 1, **({"bf16": 8} if BF16 else {}), "int8": 1}  # how many, one after the other
BACKENDS = ("mxnet", "onnxruntime", "openvino")
# Exported once: the model, its name here, and thousand million multiply-adds a sample.
MODELS = {
    "resnet50": ("resnet50_v1", 3.9),
    "mobilenetv2": ("mobilenetv2_1.0", 0.31),
    "ssd": ("ssd_512_resnet50_v1_voc", 22.3),
    "bert": ("bert_12_768_12", 11.2),
}


@dataclass(frozen=True)
class Row:
    """One workload, ours and what it is compared with."""

    title: str
    wanted: float  # the peer's time over ours; for ``at_most`` ours over the peer's
    ours: dict[str, Spec]
    peers: dict[str, Spec]
    model: str = ""  # in ``MODELS``
    batch: int = 1
    at_most: bool = False
    training: bool = False  # three times the multiply-adds
    computes: bool = True  # its time is that of the model


# By what is computed: which export, which precision of it, on which backends.
FORMS = {
    "": ("", None, BACKENDS),
    "bf16": ("", "bf16", ("mxnet", "openvino") if BF16 else ()),
    "int8": ("-int8", None, BACKENDS),
    "int8, the rest bf16": ("-int8", "bf16", ("openvino",) if BF16 else ()),
}
FLOAT, BEST = ("",), tuple(FORMS)


def on(model: str, batch: int, forms: Iterable[str] = FLOAT) -> dict[str, Spec]:
    """A model on all backends, in some forms."""
    spec = {"by": "ours", "do": "runner", "inputs": f"{model}-{batch}.npz"}
    return {
        f"toolkit, {name}{', ' if form else ''}{form}": {
            **spec, "path": f"{model}{FORMS[form][0]}", "backend": name, "precision": FORMS[form][1]
        }
        for form in forms
        for name in FORMS[form][2]
    }  # fmt: skip


def direct(model: str, batch: int, runtime: str) -> dict[str, Spec]:
    spec = {"by": "ours", "do": runtime, "path": model, "inputs": f"{model}-{batch}.npz"}
    return {f"{runtime}, called directly": spec}


def torch(model: str, batch: int, *, best: bool = False) -> dict[str, Spec]:
    """torchvision's network in all its ways: in float, or in the best precision it has here."""
    spec = {"by": "torch", "do": "vision", "model": model, "batch": batch}
    return in_modes(spec, ("eager", "channels_last", "compile"), best)


def in_modes(spec: Spec, modes: Iterable[str], best: bool) -> dict[str, Spec]:
    kinds = ("fp32", "bf16") if best and BF16 else ("fp32",)
    return {
        f"torch, {mode}{', bf16 autocast' if kind == 'bf16' else ''}": {
            **spec, "mode": mode, "precision": kind
        }
        for kind in kinds
        for mode in modes
    }  # fmt: skip


def stock(model: str, batch: int) -> dict[str, Spec]:
    spec = {"by": "ours", "do": "stock", "model": model, "batch": batch, "plain": True}
    return {"stock MXNet, hybridized": spec}


def bert(batch: int) -> dict[str, Spec]:
    spec = {"by": "torch", "do": "bert", "batch": batch, "length": 128}
    return in_modes(spec, ("eager", "compile"), best=True)


def classifiers() -> dict[str, Row]:
    found = {}
    for batch, against, runtime in ((1, 1.3, 1.2), (16, 1.5, 1.8)):
        size: dict[str, Any] = {"model": "resnet50", "batch": batch}
        name, peers = f"ResNet-50, batch {batch}", torch("resnet50", batch)
        ours, direct_ = on("resnet50", batch), direct("resnet50", batch, "onnxruntime")
        found[f"resnet50-{batch}"] = Row(f"{name}, fp32", against, ours, peers, **size)
        found[f"resnet50-{batch}-runtime"] = Row(
            f"{name}, fp32, against ONNX Runtime called directly", runtime, ours, direct_, **size
        )
        found[f"resnet50-{batch}-int8"] = Row(
            f"{name}, best precision",
            4,
            on("resnet50", batch, BEST[1:]),
            torch("resnet50", batch, best=True),
            **size,
        )
        found[f"mobilenetv2-{batch}"] = Row(
            f"MobileNetV2, batch {batch}, best precision",
            4,
            on("mobilenetv2", batch, BEST),
            torch("mobilenet_v2", batch, best=True),
            model="mobilenetv2",
            batch=batch,
        )
    return found


def others() -> dict[str, Row]:
    """Detection, texts, and OpenVINO against itself."""
    spec = {"by": "torch", "do": "detector", "path": "ssd-raw", "inputs": "ssd-1.npz"}
    title = "SSD-512 ResNet-50, decoding and suppression included"
    peer = {"network in ONNX Runtime, torchvision's NMS": spec}
    found = {"ssd": Row(title, 2, on("ssd", 1, BEST), peer, model="ssd")}
    for batch in (1, 8):
        found[f"bert-{batch}"] = Row(
            f"BERT-base, {batch}x128, best precision",
            1.6,
            on("bert", batch, BEST),
            bert(batch),
            model="bert",
            batch=batch,
        )
    for model in ("resnet50", "bert"):
        ours = {k: v for k, v in on(model, 1).items() if "openvino" in k}
        title = f"our OpenVINO backend, `{MODELS[model][0]}`"
        peer = direct(model, 1, "openvino")
        found[f"openvino-{model}"] = Row(title, 1.03, ours, peer, model=model, at_most=True)
    return found


def fused(model: str, forms: Iterable[str] = FLOAT) -> dict[str, Spec]:
    """One sample on MXNet alone."""
    return {name: spec for name, spec in on(model, 1, forms).items() if spec["backend"] == "mxnet"}


def alone() -> dict[str, Row]:
    """MXNet against itself."""
    return {
        "stock-resnet50": Row(
            "MXNet alone: ResNet-50 int8, batch 1",
            12,
            fused("resnet50", ["int8"]),
            stock("resnet50_v1", 1),
            model="resnet50",
        ),
        "stock-mobilenetv2": Row(
            "MXNet alone: MobileNetV2 fp32, batch 1",
            8,
            fused("mobilenetv2"),
            stock("mobilenet_v2_1_0", 1),
            model="mobilenetv2",
        ),
    }


def training() -> dict[str, Row]:
    """Steps of an optimizer."""
    step = {"do": "train", "batch": 16}
    text = {"do": "train_bert", "batch": 8, "length": 128}
    return {
        "train": Row(
            "training step, ResNet-50, batch 16, fp32",
            1.3,
            {"toolkit": {**step, "by": "ours", "model": "resnet50_v1"}},
            {"torch, channels_last": {**step, "by": "torch", "model": "resnet50"}},
            model="resnet50",
            batch=16,
            training=True,
        ),
        **(reduced() if BF16 else {}),
        "train-bert": Row(
            "training step, BERT-base, 8x128, fp32",
            1.0,
            {"toolkit": {**text, "by": "ours"}},
            {"torch, transformers": {**text, "by": "torch"}},
            model="bert",
            batch=8,
            training=True,
        ),
    }


def reduced() -> dict[str, Row]:
    """What takes a CPU that computes in bfloat16."""
    size: dict[str, Any] = {"model": "resnet50", "batch": 16}
    step = {"do": "train", "batch": 16, "precision": "bf16"}
    ours = {k: v for k, v in on("resnet50", 16, ["bf16"]).items() if v["backend"] == "openvino"}
    # As many multiply-adds in products: the peer's time over ours is the share of the peak.
    rows = int(1e9 * MODELS["resnet50"][1] * 16 / SIDE**2 / PEAKS["bf16"])
    peak = {"do": "peak", "precision": "bf16", "side": SIDE, "products": PEAKS["bf16"]}
    return {
        "train-bf16": Row(
            "training step, ResNet-50, batch 16, bf16",
            1.0,
            {"toolkit, bf16": {**step, "by": "ours", "model": "resnet50_v1"}},
            {"torch, channels_last, bf16 autocast": {**step, "by": "torch", "model": "resnet50"}},
            training=True,
            **size,
        ),
        "resnet50-16-peak": Row(
            "ResNet-50, batch 16, bf16, against products of matrices of as many multiply-adds",
            0.9,
            ours,
            {"products of matrices, bf16": {"by": "ours", **peak, "rows": rows}},
            **size,
        ),
    }


def programs() -> dict[str, Row]:
    """Other languages, and the start of a process."""
    resnet: dict[str, Any] = {"model": "resnet50", "at_most": True}
    return {
        "c++": Row(
            "C++, ResNet-50, batch 1, against Python on MXNet",
            1.05,
            {"C++": {"by": "c++", "path": "resnet50", "inputs": "resnet50-1.npz"}},
            fused("resnet50"),
            **resnet,
        ),
        "java": Row(
            "Java, ResNet-50, batch 1, against Python on MXNet",
            1.15,
            {"Java": {"by": "java", "path": "resnet50", "inputs": "resnet50-1.npz"}},
            fused("resnet50"),
            **resnet,
        ),
        "cold": Row(
            "process start to the first answer, exported ResNet-50",
            1.0,
            {"toolkit": {"by": "whole", "path": "resnet50"}},
            {"torch, eager": {"by": "whole", "path": "torch"}},
            **resnet,
            computes=False,
        ),
    }


def rows() -> dict[str, Row]:
    return {**classifiers(), **others(), **alone(), **training(), **programs()}


# What this table of the project's aims cannot show on a CPU without bfloat16.
ABSENT = (
    ()
    if BF16
    else (
        ("training step, ResNet-50, batch 16, bf16 against torch's autocast", "bfloat16"),
        ("ResNet-50 bf16, batch 16, against the machine's bf16 matrix peak", "bfloat16"),
    )
)
