"""Image classifiers against GluonCV and MXNet's own model zoo: same weights, same outputs."""

from __future__ import annotations

import gc
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit import deploy
from toolkit.model_zoo import get_model, list_models, model_info
from toolkit.model_zoo.renames import match_keys
from toolkit.model_zoo.weights import get_arrays
from toolkit.utils.checkpoints import read_arrays

pytestmark = pytest.mark.parity

FAMILIES = re.compile(
    r"resnest\d+|dla\d+|hrnet_w.*_c|resnet\d+_v1[bd]_0\.\d+|"
    r"(se_)?resnet\d+_v[12][a-z]?(_gn)?|mobilenet(v2_)?\d\.\d+|squeezenet\d\.\d|cifar_resnet\d+_v\d"
    r"|alexnet|vgg\d+(_bn)?|densenet\d+|googlenet|inceptionv3|darknet53|xception(71)?"
    r"|(se_)?resnext.*|senet.*|mobilenetv3_.*|shufflenet_.*|nasnet_.*"
    r"|cifar_(wideresnet|resnext).*|(cifar_)?residualattentionnet\d+"
)
# The larger siblings of a family: compared on request, `make parity PARITY=parity`.
LARGE = re.compile(
    r"(se_)?resnet1\d\d_.*|resnest(50|1\d\d|2\d\d)|vgg(13|16|19).*|densenet(161|169|201)"
    r"|hrnet_w(30|32|40|44|48|64)_c|(se_)?resnext101.*|senet_154|nasnet_[567].*|xception71"
    r"|(cifar_)?residualattentionnet(92|[124]\d\d)|cifar_resnet110.*|cifar_wideresnet(28|40).*"
)
MODELS = [name for name in list_models(task="image_classifier") if FAMILIES.fullmatch(name)]
IN_MXNET = [
    name
    for name in MODELS
    if re.fullmatch(
        r"resnet\d+_v[12]|mobilenet(v2_)?\d.*|squeezenet.*|alexnet|vgg.*|densenet.*|inceptionv3",
        name,
    )
]


def large_last(names: list[str]) -> list[Any]:
    """The names, those of large networks marked slow; one process runs all tests of a name."""
    large = [name for name in names if LARGE.fullmatch(name)]
    small = [name for name in names if name not in large]
    group = pytest.mark.xdist_group
    return [pytest.param(name, marks=(group(name),)) for name in small] + [
        pytest.param(name, marks=(group(name), pytest.mark.slow)) for name in large
    ]


@dataclass
class Pair:
    """An upstream network with random weights, and ours with the same."""

    upstream: HybridBlock
    ours: HybridBlock
    x: mx.nd.NDArray
    expected: np.ndarray  # what upstream gives, not hybridized
    folder: Path


def images(name: str) -> mx.nd.NDArray:
    """Input of the published size, but smaller for the deepest, to save time."""
    if name.startswith("cifar"):
        shape = (2, 3, 32, 32)
    elif re.search(r"resnet1\d\d", name):
        shape = (1, 3, 80, 80)
    elif re.match(r"resnest|hrnet|dla|(se_)?resnext|senet|nasnet", name):
        shape = (1, 3, 64, 64)
    elif re.match("darknet|xception", name):
        shape = (1, 3, 128, 128)
    elif name == "inceptionv3":
        shape = (1, 3, 299, 299)
    else:
        shape = (1, 3, 224, 224)
    return mx.nd.array(np.random.default_rng(0).normal(size=shape))


def randomize(net: HybridBlock, gain: float = 1.0) -> None:
    """Random weights and statistics, none of them left at a value that hides its part."""
    rng = np.random.default_rng(1)
    for key, param in net._collect_params_with_prefix().items():
        if key.endswith(("gamma", "running_var")):
            values = rng.uniform(0.3, 0.9, param.shape)
        elif key.endswith("weight"):
            fan_in = int(np.prod(param.shape[1:]))
            values = rng.standard_normal(param.shape, dtype="float32") * gain * (2 / fan_in) ** 0.5
        else:
            values = rng.normal(0, 0.1, param.shape)
        param.set_data(mx.nd.array(values))


def make_pair(build: Callable[[], HybridBlock], name: str, folder: Path, **options: Any) -> Pair:
    gc.collect()  # blocks refer to each other in circles: the last pair's memory is still held
    upstream, x = build(), images(name)
    upstream.collect_params().setattr("grad_req", "null")  # saves the memory of gradients
    upstream.initialize()
    upstream(x)  # upstream learns most of its shapes from the first input
    # Sums of hundreds of units grow until a gate on them is a step: no rounding is small then.
    deep = re.match("resnest|.*residualattention", name)
    randomize(upstream, gain=0.5 if deep else 1.0)
    expected = upstream(x).asnumpy()  # before saving: BatchNorm sets the scales it ignores to one
    weights = folder / "upstream.params"
    mx.nd.waitall()  # the network may still be rewriting its weights into oneDNN's layout
    upstream.save_parameters(str(weights))
    ours = get_model(name, weights, **options)
    return Pair(upstream, ours, x, expected, folder)


@pytest.fixture(scope="module", params=large_last(MODELS))
def pair(request: pytest.FixtureRequest, gluoncv: ModuleType) -> Iterator[tuple[str, Pair]]:
    """Each model in turn."""
    name = request.param
    with tempfile.TemporaryDirectory() as folder:
        # Some ask for the first option whatever it is; some have a second output by default.
        options = {"use_aux": False} if name.startswith("nasnet") else {}
        build = partial(gluoncv.model_zoo.get_model, name, pretrained=False, **options)
        yield name, make_pair(build, name, Path(folder))


GROUP_NORM = "upstream's GroupNorm runs BatchNorm in training mode, which no graph can hold"


def difference(result: np.ndarray, pair: Pair) -> float:
    """The largest, relative to the largest value that upstream gives."""
    return float(np.abs(result - pair.expected).max() / np.abs(pair.expected).max())


def assert_equal(pair: Pair, name: str) -> float:
    """Not one bit differs, but for those whose sums upstream adds in another order."""
    assert pair.expected.std() > 0
    found = difference(pair.ours(pair.x).asnumpy(), pair)
    assert found <= (1e-5 if name.endswith("_gn") else 0.0)
    return found


def test_outputs_are_equal(pair: tuple[str, Pair], record: Callable[..., None]) -> None:
    name, models = pair
    note = GROUP_NORM if name.endswith("_gn") else ""
    record("image classifiers", name, eager=assert_equal(models, name), note=note)


def upstream_names(name: str, upstream: HybridBlock, ours: HybridBlock) -> dict[str, str]:
    """Upstream's structural name of each of our parameters; none of either side is left over."""
    theirs, keys = upstream._collect_params_with_prefix(), ours._collect_params_with_prefix()
    for table in model_info(name).renames:
        names = {key: str(table.to_foreign(key)) for key in keys}
        if set(names.values()) == {k for k in theirs if not table.ignores(k)}:
            return names
    raise AssertionError(f"no table turns the names of {name} back")


def test_names_turn_back_into_upstreams(pair: tuple[str, Pair]) -> None:
    name, models = pair
    names = upstream_names(name, models.upstream, models.ours)
    assert len(set(names.values())) == len(names)


def beginnings(net: HybridBlock) -> dict[str, str]:
    """The initializer of each parameter that has one of its own, with its settings."""
    params = net._collect_params_with_prefix()
    return {key: mx.init.create(p.init).dumps() for key, p in params.items() if p.init is not None}


def test_parameters_are_initialized_as_upstreams(pair: tuple[str, Pair]) -> None:
    name, models = pair
    names = upstream_names(name, models.upstream, models.ours)
    ours, theirs = beginnings(models.ours), beginnings(models.upstream)
    assert {names[key]: init for key, init in ours.items()} == {
        key: init for key, init in theirs.items() if key in names.values()
    }


@pytest.mark.parametrize(
    "name", ["resnet18_v1", "resnet18_v2", "resnet50_v1b", "se_resnet18_v1", "resnest14"]
)
def test_the_same_scales_begin_at_zero(name: str, gluoncv: ModuleType) -> None:
    upstream = gluoncv.model_zoo.get_model(name, pretrained=False, last_gamma=True)
    ours = get_model(name, last_gamma=True)
    names = upstream_names(name, upstream, ours)
    zero = [key for key, init in beginnings(upstream).items() if "zero" in init]
    assert any(key.endswith("gamma") for key in zero)
    assert sorted(zero) == sorted(
        names[key] for key, init in beginnings(ours).items() if "zero" in init
    )


@pytest.mark.parametrize("name", list_models("*_int8", task="image_classifier"))
def test_published_int8_graphs_read_weights_of_ours(name: str, gluoncv: ModuleType) -> None:
    """Each value is found in the order of construction, and is the one upstream puts there."""
    folder = Path(gluoncv.__file__).parent / "model_zoo" / "quantized"
    symbol = mx.sym.load(str(folder / f"{name}-symbol.json"))
    arguments, _, states = symbol.infer_shape(data=(1, 3, 224, 224))
    known = dict(zip(symbol.list_arguments(), arguments, strict=True))
    known |= dict(zip(symbol.list_auxiliary_states(), states, strict=True))
    graph = {key: known[key] for key in symbol.list_inputs() if key != "data"}
    start = next(iter(graph)).split("_")[0] + "_"
    upstream = gluoncv.model_zoo.get_model(name.removesuffix("_int8"), prefix=start)
    theirs, ours = upstream._collect_params_with_prefix(), get_model(name)
    names = upstream_names(name, upstream, ours)
    shapes = {key: p.shape for key, p in ours._collect_params_with_prefix().items()}
    assert match_keys(graph, shapes) == {key: theirs[names[key]].name for key in shapes}


def test_files_of_upstreams_exported_graphs_load(pair: tuple[str, Pair]) -> None:
    """Their names come from counters, so that they are matched in order of construction."""
    name, models = pair
    if name.endswith("_gn"):
        pytest.skip("upstream's GroupNorm cannot be hybridized")
    models.upstream.hybridize()
    models.upstream(models.x)
    mx.nd.waitall()
    models.upstream.export(str(models.folder / "exported"))
    models.upstream.hybridize(False)
    arrays, ours = read_arrays(models.folder / "exported-0000.params"), get_arrays(models.ours)
    theirs = {key: value.shape for key, value in arrays.items()}
    found = match_keys(theirs, {key: value.shape for key, value in ours.items()})
    for key, value in ours.items():
        np.testing.assert_array_equal(value, arrays[found[key]], key)


def test_hybridized_and_exported_outputs_agree(
    pair: tuple[str, Pair], record: Callable[..., None]
) -> None:
    name, models = pair
    models.ours.hybridize()
    hybridized = difference(models.ours(models.x).asnumpy(), models)
    manifest = deploy.export(models.ours, models.folder / "ours", models.x)
    exported = difference(deploy.load(manifest)(models.x.asnumpy())[0], models)
    record("image classifiers", name, hybridized=hybridized, exported=exported)
    assert hybridized <= 1e-5
    assert exported <= 1e-5
    models.ours.hybridize(False)


@pytest.mark.parametrize("name", large_last(IN_MXNET))
def test_models_of_mxnets_own_zoo(name: str, tmp_path: Path) -> None:
    build = partial(mx.gluon.model_zoo.vision.get_model, name)
    options = {"expand_first": True} if name.startswith("mobilenetv2") else {}
    assert_equal(make_pair(build, name, tmp_path, **options), name)


@pytest.mark.parametrize("name", ["resnet18_v1b", "resnet50_v1b", "resnet50_v1d", "resnet50_v1s"])
def test_dilated_networks(name: str, gluoncv: ModuleType, tmp_path: Path) -> None:
    build = partial(gluoncv.model_zoo.get_model, name, dilated=True)
    assert_equal(make_pair(build, name, tmp_path, output_stride=8), name)


@pytest.mark.parametrize(
    ("name", "theirs", "ours"),
    [("xception", 16, 16), ("xception", 8, 8), ("xception71", 8, 16)],
)
def test_dilated_xceptions(
    name: str, theirs: int, ours: int, gluoncv: ModuleType, tmp_path: Path
) -> None:
    """Upstream counts one stride of the deeper network too few."""
    build = partial(gluoncv.model_zoo.get_model, name, output_stride=theirs)
    assert_equal(make_pair(build, name, tmp_path, output_stride=ours), name)


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("resnet18_v1", (5, 6, 7, 8)),
        ("mobilenet0.25", (9, 21, 33, 69, 81)),
        ("mobilenetv2_0.25", (4, 6, 9, 16, 23)),
        ("squeezenet1.0", (2, 6, 11, 13)),
        ("squeezenet1.1", (2, 5, 8, 13)),
        ("alexnet", (1, 3, 7, 8)),
        ("densenet121", (5, 7, 9, 13)),
        ("inceptionv3", (3, 6, 10, 15, 18)),
        ("darknet53", (1, 3, 6, 15, 24, 29)),
    ],
)
def test_features_are_those_upstream_users_tap(
    name: str, ends: tuple[int, ...], gluoncv: ModuleType, tmp_path: Path
) -> None:
    """``ends`` are the places in upstream's sequence where a resolution ends."""
    pair = make_pair(partial(gluoncv.model_zoo.get_model, name), name, tmp_path)
    features = pair.ours.backbone(pair.x)
    expected, start = pair.x, 0
    for feature, end in zip(features, ends, strict=True):
        expected, start = pair.upstream.features[start:end](expected), end
        np.testing.assert_array_equal(feature.asnumpy(), expected.asnumpy())


def test_no_name_of_upstreams_is_missing(gluoncv: ModuleType) -> None:
    theirs = [name for name in gluoncv.model_zoo.get_model_list() if FAMILIES.fullmatch(name)]
    assert len(theirs) >= 50
    assert sorted(theirs) == sorted(MODELS)
