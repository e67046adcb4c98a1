"""What torchvision's and timm's networks give: writes pytorch.json and pytorch_keys.json.gz.

    python tests/model_zoo/golden/pytorch.py      with torch, torchvision and timm installed

Weights follow from a parameter's key and shape alone, so that no file of weights is needed to
compare with ours.
"""

from __future__ import annotations

import gzip
import json
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
SIDES = {"inception_v3": 96}  # of the images, where 64 pixels are too few
KEPT = 6  # scores kept of each image

# Our name of each network.
NETWORKS = {
    "torchvision/resnet18": "resnet18_v1b",
    "torchvision/resnet34": "resnet34_v1b",
    "torchvision/resnet50": "resnet50_v1b",
    "torchvision/resnet101": "resnet101_v1b",
    "torchvision/resnet152": "resnet152_v1b",
    "torchvision/resnext50_32x4d": "resnext50_32x4d",
    "torchvision/resnext101_64x4d": "resnext101_64x4d",
    "torchvision/vgg11": "vgg11",
    "torchvision/vgg13": "vgg13",
    "torchvision/vgg16": "vgg16",
    "torchvision/vgg19": "vgg19",
    "torchvision/vgg11_bn": "vgg11_bn",
    "torchvision/vgg13_bn": "vgg13_bn",
    "torchvision/vgg16_bn": "vgg16_bn",
    "torchvision/vgg19_bn": "vgg19_bn",
    "torchvision/densenet121": "densenet121",
    "torchvision/densenet161": "densenet161",
    "torchvision/densenet169": "densenet169",
    "torchvision/densenet201": "densenet201",
    "torchvision/mobilenet_v2": "mobilenetv2_1.0",
    "torchvision/mobilenet_v3_large": "mobilenetv3_large",
    "torchvision/mobilenet_v3_small": "mobilenetv3_small",
    "torchvision/squeezenet1_0": "squeezenet1.0",
    "torchvision/squeezenet1_1": "squeezenet1.1",
    "torchvision/alexnet": "alexnet",
    "torchvision/inception_v3": "inceptionv3",
    "torchvision/googlenet": "googlenet",
    "timm/resnet18": "resnet18_v1b",
    "timm/resnet50": "resnet50_v1b",
    "timm/resnet50_gn": "resnet50_v1b_gn",
    "timm/resnet50c": "resnet50_v1c",
    "timm/resnet50d": "resnet50_v1d",
    "timm/resnet101d": "resnet101_v1d",
    "timm/resnet152d": "resnet152_v1d",
    "timm/resnet50s": "resnet50_v1s",
    "timm/resnext50_32x4d": "resnext50_32x4d",
    "timm/resnext101_32x4d": "resnext101_32x4d",
    "timm/seresnext50_32x4d": "se_resnext50_32x4d",
    "timm/seresnext101_32x4d": "se_resnext101_32x4d",
    "timm/seresnext101_64x4d": "se_resnext101_64x4d",
    "timm/vgg11": "vgg11",
    "timm/vgg16": "vgg16",
    "timm/vgg11_bn": "vgg11_bn",
    "timm/vgg19_bn": "vgg19_bn",
    "timm/densenet121": "densenet121",
    "timm/densenet161": "densenet161",
    "timm/mobilenetv2_100": "mobilenetv2_1.0",
    "timm/mobilenetv3_large_100": "mobilenetv3_large",
    "timm/mobilenetv3_small_100": "mobilenetv3_small",
    "timm/inception_v3": "inceptionv3",
    "timm/resnest14d": "resnest14",
    "timm/resnest26d": "resnest26",
    "timm/resnest50d": "resnest50",
    "timm/resnest101e": "resnest101",
    "timm/resnest200e": "resnest200",
    "timm/resnest269e": "resnest269",
}


def array_of(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """The parameter of that key: about what an initialized network has, nothing left at 0 or 1."""
    # RandomState, not Generator: its numbers are the same in every NumPy.
    uniform = np.random.RandomState(zlib.crc32(key.encode())).uniform
    if key.endswith("running_var") or (key.endswith("weight") and len(shape) == 1):
        return uniform(0.4, 0.9, shape).astype("float32")
    if key.endswith("weight"):
        limit = math.sqrt(3 / math.prod(shape[1:]))
        return uniform(-limit, limit, shape).astype("float32")
    return uniform(-0.1, 0.1, shape).astype("float32")


def images_for(side: int) -> np.ndarray:
    """Two images."""
    return np.random.RandomState(0).uniform(-2, 2, (2, 3, side, side)).astype("float32")


def outputs(network: Any, side: int) -> np.ndarray:
    import torch

    state = network.state_dict()
    for key, value in state.items():
        if not key.endswith("num_batches_tracked"):
            value.copy_(torch.from_numpy(array_of(key, tuple(value.shape))))
    network.load_state_dict(state)
    with torch.no_grad():
        return network.eval()(torch.from_numpy(images_for(side))).numpy()


def build(name: str) -> Any:
    import timm
    import torchvision

    library, _, model = name.partition("/")
    if library == "timm":
        return timm.create_model(model)
    options = {}
    if model in ("googlenet", "inception_v3"):
        options = {"init_weights": False, "aux_logits": True}
    return torchvision.models.get_model(model, weights=None, **options)


COUNTED = (
    "torchvision/resnet50",
    "torchvision/resnext50_32x4d",
    "torchvision/vgg16_bn",
    "torchvision/densenet121",
    "torchvision/mobilenet_v2",
    "torchvision/squeezenet1_0",
    "torchvision/alexnet",
    "timm/seresnext50_32x4d",
)


def costs(name: str) -> dict[str, int]:
    """What PyTorch's own counter and dispatcher see of one picture; nothing is computed."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils.flop_counter import FlopCounterMode

    class Results(TorchDispatchMode):
        numbers = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None):
            out = func(*args, **(kwargs or {}))
            first = out[0] if isinstance(out, (tuple, list)) else out
            view = func.is_view or "view" in str(func) or "detach" in str(func)
            self.numbers += 0 if view or not isinstance(first, torch.Tensor) else first.numel()
            return out

    with torch.device("meta"), torch.no_grad():
        network, image = build(name).eval(), torch.empty(1, 3, 224, 224)
        with FlopCounterMode(display=False) as flops:
            network(image)
        with Results() as results:
            network(image)
    return {
        "parameters": sum(p.numel() for p in network.parameters()),
        "multiply_adds": flops.get_total_flops() // 2,
        "activations": results.numbers,
    }


def main() -> None:
    counted = {name: costs(name) for name in COUNTED}
    (FOLDER / "pytorch_costs.json").write_text(json.dumps(counted, indent=1) + "\n", "utf-8")
    found, keys = {}, {}
    for name, ours in NETWORKS.items():
        network = build(name)
        side = SIDES.get(name.partition("/")[2], 64)
        result = outputs(network, side).astype("float64")
        assert np.isfinite(result).all()
        found[name] = {
            "ours": ours,
            "side": side,
            "largest": float(np.abs(result).max()),
            "deviation": float(result.std()),
            "scores": result[:, :KEPT].tolist(),
        }
        keys[name] = {key: list(value.shape) for key, value in network.state_dict().items()}
    (FOLDER / "pytorch.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    packed = gzip.compress(json.dumps(keys).encode(), mtime=0)
    (FOLDER / "pytorch_keys.json.gz").write_bytes(packed)


if __name__ == "__main__":
    main()
