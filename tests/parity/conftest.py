"""Makes the packages that this one succeeds importable, on a NumPy that they do not know."""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

# Names of NumPy's that its newer versions dropped and that upstream still asks for.
DROPPED = {"bool": bool, "int": int, "float": float, "object": object}


def import_upstream(name: str) -> ModuleType:
    """The upstream module; the test skips, with the reason, where it cannot be imported."""
    for alias, value in DROPPED.items():
        if alias not in vars(np):
            setattr(np, alias, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module: ModuleType = pytest.importorskip(name, exc_type=ImportError)
    return module


@pytest.fixture(scope="session")
def relative() -> Callable[[np.ndarray, np.ndarray], float]:
    """The largest difference of two arrays of one shape, over the largest number of the second."""

    def difference(ours: np.ndarray, theirs: np.ndarray) -> float:
        assert ours.shape == theirs.shape
        return float(np.abs(ours - theirs).max() / np.abs(theirs).max())

    return difference


@pytest.fixture(scope="session")
def gluoncv() -> ModuleType:
    """The GluonCV package."""
    return import_upstream("gluoncv")


@pytest.fixture(scope="session")
def gluonnlp() -> ModuleType:
    """The GluonNLP package."""
    return import_upstream("gluonnlp")


@pytest.fixture(scope="session")
def record() -> Callable[..., None]:
    """Keeps what was measured of a name, for the page that shows it: see ``page.py``.

    Called with the page's section, the name, and relative differences by form, or a note. Each
    process adds lines to a file of its own in the folder ``PARITY_RESULTS``, if there is one.
    """
    folder = os.environ.get("PARITY_RESULTS")

    def write(section: str, name: str, **values: float | str) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            with (Path(folder) / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps({"section": section, "name": name, **values}) + "\n")

    return write


@pytest.fixture(scope="session")
def randomize() -> Callable[..., None]:
    """Gives a detector random weights, such that what it says is neither alike nor sure.

    Called with the network, images, and the standard deviation wanted of what each head gives, by
    a pattern of the names of such heads; then what to multiply weights by, lest features grow
    beyond what float32 resolves in the deepest networks.
    """

    def draw(
        net: HybridBlock, x: mx.nd.NDArray, heads: Mapping[str, float], gain: float = 1.0
    ) -> None:
        rng = np.random.default_rng(1)
        params = net._collect_params_with_prefix()
        for key, param in params.items():
            if re.search("anchors|offsets|init_scale|means|stds", key):
                continue
            if re.search("(gamma|running_var|moving_var)$", key):
                values = rng.uniform(0.3, 0.9, param.shape)
            elif key.endswith("weight"):
                fan_in = int(np.prod(param.shape[1:]))
                values = rng.standard_normal(param.shape, dtype="float32")
                values *= gain * (2 / fan_in) ** 0.5
            else:
                values = rng.normal(0, 0.1, param.shape)
            param.set_data(mx.nd.array(values))
        scaled = []
        for head, wanted in heads.items():
            for name, deviation in deviations(net, x, head).items():
                weight = params[f"{name}.weight"]
                weight.set_data(weight.data() * (wanted / deviation))
                scaled.append(name)
        assert scaled

    return draw


def deviations(net: HybridBlock, x: mx.nd.NDArray, head: str) -> dict[str, float]:
    """How far apart what the blocks of this name give is: the most, of what is called repeatedly.

    A head that is shared by the levels of a pyramid must not saturate at any: equal scores would be
    ordered by chance.
    """
    found: dict[str, float] = {}
    handles = []

    def watch(block: HybridBlock, path: str) -> None:
        if re.fullmatch(head, path):
            hook = block.register_forward_hook(
                lambda _, __, result: found.update(
                    {path: max(found.get(path, 0.0), float(result.asnumpy().std()))}
                )
            )
            handles.append(hook)
        for name, child in block._children.items():
            watch(child, f"{path}.{name}" if path else name)

    watch(net, "")
    net(x)
    for handle in handles:
        handle.detach()
    return found
