"""Finding files of weights and filling networks with them."""

from __future__ import annotations

import hashlib
import zipfile
from functools import partial
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd
from mxnet.gluon.nn import BatchNorm

import toolkit
from toolkit.model_zoo.builder import get_model
from toolkit.model_zoo.catalogue import WeightsEntry, model_info
from toolkit.model_zoo.renames import RenameTable
from toolkit.model_zoo.weights import (
    WeightsError,
    choose_weights,
    get_arrays,
    load_weights,
    options_for,
    resolve,
)
from toolkit.nn.constant import constant
from toolkit.utils.checkpoints import write_params, write_safetensors
from toolkit.utils.files import FetchError, HashMismatchError, OfflineError

MODEL = "cifar_resnet20_v1"


@pytest.fixture(scope="module")
def net() -> mx.gluon.Block:
    net = get_model(MODEL)
    net.initialize(mx.init.MSRAPrelu())
    return net


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """An empty cache and a mirror folder; nothing reaches the network."""
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TOOLKIT_REPO", f"file://{tmp_path / 'mirror'}")
    monkeypatch.setenv("TOOLKIT_OFFLINE", "1")
    return tmp_path


def publish(folder: Path, content: bytes, *, lie: bool = False) -> WeightsEntry:
    """Puts a zip as upstream makes them on the mirror and gives its entry."""
    sha1 = hashlib.sha1(content).hexdigest()
    file = f"{MODEL}-{sha1[:8]}.params"
    archive = folder / "mirror" / "gluon" / "models" / f"{MODEL}-{sha1[:8]}.zip"
    archive.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr(file, b"something else" if lie else content)
    url = f"gluon/models/{archive.name}"
    return WeightsEntry(MODEL, sha1[:8], f"sha1:{sha1}", file, url)


def test_weights_come_from_the_mirror_once_and_from_the_cache_after(home):
    entry = publish(home, b"weights")
    path = resolve(entry)
    assert path == home / "home" / "models" / entry.file
    assert path.read_bytes() == b"weights"
    (home / "mirror" / "gluon" / "models" / entry.url.rsplit("/", 1)[1]).unlink()
    assert resolve(entry) == path


def test_an_explicit_root_goes_before_the_home(home):
    entry = publish(home, b"weights")
    assert resolve(entry, home / "mine").parent == home / "mine"


def test_upstreams_cache_is_a_warm_cache(home, monkeypatch):
    entry = publish(home, b"weights")
    monkeypatch.delenv("TOOLKIT_HOME")
    monkeypatch.setenv("MXNET_HOME", str(home / "mxnet"))
    cached = home / "mxnet" / "models" / entry.file
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"weights")
    monkeypatch.setenv("TOOLKIT_REPO", f"file://{home / 'nowhere'}")
    assert resolve(entry) == cached


def test_a_wrong_file_in_the_cache_is_replaced_not_loaded(home):
    entry = publish(home, b"weights")
    cached = home / "home" / "models" / entry.file
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"damaged")
    assert resolve(entry).read_bytes() == b"weights"


def test_a_mirror_with_another_file_is_refused(home):
    entry = publish(home, b"weights", lie=True)
    with pytest.raises(HashMismatchError, match=entry.tag):
        resolve(entry)
    assert not (home / "home" / "models" / entry.file).exists()


def test_no_cache_and_no_network_lists_every_place(home):
    entry = WeightsEntry(MODEL, "0" * 8, "sha1:" + "0" * 40, "x.params", "gluon/models/x.zip")
    with pytest.raises(OfflineError) as caught:
        resolve(entry)
    message = str(caught.value)
    assert str(home / "home" / "models" / "x.params") in message
    assert str(home / "mirror") in message
    assert "TOOLKIT_REPO" in message
    assert isinstance(caught.value, FetchError)


class Crossed(mx.gluon.HybridBlock):
    """Makes its layers in another order than it holds them in."""

    def __init__(self):
        super().__init__()
        second, first = (mx.gluon.nn.Dense(4, in_units=4) for _ in range(2))
        self.first = first
        self.second = second

    def hybrid_forward(self, F, x):
        return self.second(self.first(x))


def test_exports_of_the_network_itself_are_read_by_the_names_of_its_graph(tmp_path):
    def make():
        with mx.name.Prefix("crossed_"):
            return Crossed()

    net, x = make(), mx.nd.array([[1, 2, 3, 4]])
    net.initialize(mx.init.Normal(1))
    net.hybridize()
    expected = net(x).asnumpy()
    net.export(str(tmp_path / "net"))
    again = make()
    load_weights(again, tmp_path / "net-0000.params")
    np.testing.assert_array_equal(again(x).asnumpy(), expected)


@pytest.mark.realdata
def test_the_published_int8_graph_runs_on_weights_of_ours(data_root, tmp_path):
    """Its ranges fit the published weights: with others, in the same proportions, it is rough."""
    name = "mobilenet1.0_int8"
    graph = data_root / "weights_mxnet" / "gluoncv_int8_symbols" / f"{name}-symbol.json"
    symbol = mx.sym.load(str(graph))
    net = get_model(name, prefix="mobilenet0_", norm=partial(BatchNorm, momentum=0.0))
    assert sorted(symbol.list_inputs()) == sorted(["data", *net.collect_params()])
    net.initialize(mx.init.MSRAPrelu("in", 0))
    x = mx.nd.array(np.random.default_rng(0).normal(size=(4, 3, 96, 96)))
    with autograd.record():  # the statistics become those of the pictures
        scores = net(x)
    scores.backward()
    expected = net(x).asnumpy()
    net.hybridize()
    net(x)
    mx.nd.waitall()
    net.export(str(tmp_path / "net"))
    again = get_model(name, tmp_path / "net-0000.params")
    np.testing.assert_allclose(again(x).asnumpy(), expected, 1e-5, 1e-5)
    if not mx.runtime.Features().is_enabled("MKLDNN"):
        pytest.skip("the graph is made of oneDNN's operators")
    published = mx.gluon.SymbolBlock(symbol, mx.sym.var("data", dtype="float32"))
    published.collect_params().load(str(tmp_path / "net-0000.params"))
    for ours, theirs in zip(expected, published(x).asnumpy(), strict=True):
        assert np.corrcoef(ours, theirs)[0, 1] > 0.5


def test_pretrained_chooses_by_default_tag_and_short_hash():
    info = model_info(MODEL)
    assert choose_weights(info, False) is None
    assert choose_weights(info, True) == info.weights[0]
    last = info.weights[-1]
    assert choose_weights(info, last.tag) == last
    assert choose_weights(info, last.tag[:5].upper()) == last


def test_an_unknown_tag_is_answered_with_the_published_ones():
    info = model_info(MODEL)
    with pytest.raises(ValueError, match=f"tag 'ffffffff'.*{info.weights[0].tag}"):
        choose_weights(info, "ffffffff")


def test_a_path_without_a_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"mine\.params"):
        choose_weights(model_info(MODEL), tmp_path / "mine.params")


@pytest.mark.parametrize("write", [write_params, write_safetensors])
def test_own_names_round_trip(net, write, tmp_path):
    path = tmp_path / "weights.bin"
    write(path, get_arrays(net))
    other = get_model(MODEL, path)
    for key, value in get_arrays(net).items():
        np.testing.assert_array_equal(get_arrays(other)[key], value)


def test_gluons_own_save_parameters_loads(net, tmp_path):
    net.save_parameters(str(tmp_path / "a.params"))
    other = get_model(MODEL, tmp_path / "a.params")
    x = mx.nd.random.uniform(shape=(2, 3, 32, 32))
    np.testing.assert_array_equal(other(x).asnumpy(), net(x).asnumpy())


def test_loading_keeps_the_type_of_the_parameters(net, tmp_path):
    half = {k: v.astype(np.float16) for k, v in get_arrays(net).items()}
    write_params(tmp_path / "half.params", half)
    other = get_model(MODEL, tmp_path / "half.params")
    for key, value in get_arrays(other).items():
        assert value.dtype == np.float32
        np.testing.assert_array_equal(value, half[key].astype(np.float32))


def test_loading_over_initialized_parameters_replaces_them(net, tmp_path):
    write_params(tmp_path / "a.params", get_arrays(net))
    other = get_model(MODEL)
    other.initialize()
    load_weights(other, tmp_path / "a.params")
    key = "backbone.stem.conv.weight"
    np.testing.assert_array_equal(get_arrays(other)[key], get_arrays(net)[key])


def test_wrong_number_of_classes_names_both_shapes(net, tmp_path):
    write_params(tmp_path / "a.params", get_arrays(net))
    with pytest.raises(WeightsError) as caught:
        get_model(MODEL, tmp_path / "a.params", classes=7)
    message = str(caught.value)
    assert "(7, 64)" in message
    assert "(10, 64)" in message
    assert "reset_classifier" in message
    assert "a.params" in message


def test_keys_of_another_network_are_named_on_both_sides(tmp_path):
    write_params(tmp_path / "a.params", {"embedding.weight": np.zeros((3, 4), np.float32)})
    with pytest.raises(WeightsError) as caught:
        get_model(MODEL, tmp_path / "a.params")
    assert "embedding.weight" in str(caught.value)
    assert "backbone.stem.conv.weight" in str(caught.value)


def test_a_failed_load_changes_nothing(net, tmp_path):
    before = get_arrays(net)
    broken = {**before, "head.output.bias": np.zeros(11, np.float32)}
    write_params(tmp_path / "a.params", broken)
    with pytest.raises(WeightsError):
        load_weights(net, tmp_path / "a.params")
    for key, value in get_arrays(net).items():
        np.testing.assert_array_equal(value, before[key])


def test_names_by_table_and_exported_names_load(net, tmp_path):
    table = RenameTable.of("foreign", [["f.{*}", "{*}"]])
    foreign = {f"f.{key}": value for key, value in get_arrays(net).items()}
    write_params(tmp_path / "a.params", foreign)
    other = get_model(MODEL)
    load_weights(other, tmp_path / "a.params", tables=(table,))
    net.hybridize()
    net(mx.nd.zeros((1, 3, 32, 32)))
    net.export(str(tmp_path / "b"))
    numbered = get_model(MODEL, tmp_path / "b-0000.params", prefix="other_")
    for key, value in get_arrays(net).items():
        np.testing.assert_array_equal(get_arrays(other)[key], value)
        np.testing.assert_array_equal(get_arrays(numbered)[key], value)


@pytest.mark.realdata
def test_the_published_cifar_network_scores_what_it_did_upstream(data_root):
    """84.5 % with MXNet's own SymbolBlock on the published graph."""
    from toolkit.data.vision.presets import PRESETS
    from toolkit.data.vision.recordio import ImageRecordDataset
    from toolkit.data.vision.transforms.tensor import normalize

    path = data_root / "weights_mxnet" / "gluoncv_cifar" / "cifar_resnet20_v1-0000.params"
    net = toolkit.model_zoo.get_model(MODEL, path)
    net.hybridize()
    images, labels = ImageRecordDataset(data_root / "cifar10_jpg" / "dev_test2k.rec").load_arrays()
    preset = PRESETS["cifar"]
    pixels = mx.nd.array(normalize(images, preset.mean, preset.std))
    scores = np.concatenate([net(pixels[i : i + 500]).asnumpy() for i in range(0, 2000, 500)])
    accuracy = 100 * (scores.argmax(1) == labels).mean()
    assert accuracy == pytest.approx(84.5, abs=0.2)


def test_a_table_names_the_options_that_its_files_need(tmp_path):
    tables = (
        RenameTable.of("plain", [["a.{*}", "x.{*}"]]),
        RenameTable.of("theirs", [["b.{*}", "x.{*}"]], ["c"], options={"width": 3}),
    )
    path = tmp_path / "net.npz"
    np.savez(path, **{"b.weight": np.ones(2), "c": np.ones(1)})
    assert options_for(path, tables) == {"width": 3}
    np.savez(path, **{"a.weight": np.ones(2)})
    assert options_for(path, tables) == {}


def test_a_dense_layer_fills_the_convolution_that_sees_its_whole_input(tmp_path):
    dense, conv = mx.gluon.nn.Dense(4, in_units=12), mx.gluon.nn.Conv2D(4, 2, in_channels=3)
    dense.initialize()
    path = tmp_path / "dense.params"
    dense.save_parameters(str(path))
    load_weights(conv, path)
    np.testing.assert_array_equal(
        conv.weight.data().asnumpy().reshape(4, 12), dense.weight.data().asnumpy()
    )
    conv.save_parameters(str(path))
    again = mx.gluon.nn.Dense(4, in_units=12)
    load_weights(again, path)
    np.testing.assert_array_equal(again.weight.data().asnumpy(), dense.weight.data().asnumpy())
    with pytest.raises(WeightsError, match="shapes differ"):
        load_weights(mx.gluon.nn.Conv2D(4, 2, in_channels=4), path)


class Shifted(mx.gluon.HybridBlock):
    """A dense layer whose outputs are shifted by constants."""

    def __init__(self, *shifts: float) -> None:
        super().__init__()
        self.dense = mx.gluon.nn.Dense(1, in_units=2)
        self.shifts = constant(self, "shifts", np.float32([shifts]))

    def hybrid_forward(self, F, x, shifts):
        return F.broadcast_add(self.dense(x), shifts)


def test_constants_of_another_shape_stay_as_they_were_made(tmp_path):
    source, same, other = Shifted(1, 2), Shifted(3, 4), Shifted(5, 6, 7)
    source.initialize(mx.init.One())
    path = tmp_path / "shifted.params"
    source.save_parameters(str(path))
    for net, shifts in ((same, [1, 2]), (other, [5, 6, 7])):
        load_weights(net, path)
        np.testing.assert_array_equal(net(mx.nd.ones((1, 2))).asnumpy()[0], np.float32(shifts) + 2)
