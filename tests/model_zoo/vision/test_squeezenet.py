from __future__ import annotations

from pathlib import Path

import mxnet as mx
import numpy as np
import pytest

from toolkit.data.vision import PRESETS, read_image
from toolkit.model_zoo import get_model, model_info


@pytest.mark.parametrize(
    ("name", "size", "channels"),
    [
        ("squeezenet1.0", 1_248_424, (96, 256, 512, 512)),
        ("squeezenet1.1", 1_235_496, (64, 128, 256, 512)),
    ],
)
def test_sizes_and_widths(name: str, size: int, channels: tuple[int, ...]) -> None:
    net = get_model(name)
    params = net.collect_params().values()
    assert sum(int(np.prod(p.shape)) for p in params) == size
    assert net.backbone.channels == channels


def test_scores_are_never_negative() -> None:
    net = get_model("squeezenet1.1")
    net.initialize(mx.init.Xavier())
    scores = net(mx.nd.random.normal(shape=(1, 3, 64, 64))).asnumpy()
    assert scores.min() == 0 < scores.max()


def test_the_dropout_rate_is_an_option() -> None:
    assert get_model("squeezenet1.0").head.dropout._rate == pytest.approx(0.5)
    assert get_model("squeezenet1.0", dropout=0.1).head.dropout._rate == pytest.approx(0.1)


def test_padded_features_are_the_image_over_the_stride() -> None:
    net = get_model("squeezenet1.0", padded=True).backbone
    net.initialize(mx.init.Xavier())
    features = net(mx.nd.random.normal(shape=(1, 3, 64, 96)))
    assert [f.shape[2:] for f in features] == [(32, 48), (16, 24), (8, 12), (4, 6)]


def test_names_of_the_pytorch_world() -> None:
    (table,) = (t for t in model_info("squeezenet1.0").renames if t.name == "torchvision")
    pairs = {
        "features.0.bias": "backbone.stem.conv.bias",
        "features.3.squeeze.weight": "backbone.blocks.1.squeeze.conv.weight",
        "features.12.expand3x3.bias": "backbone.blocks.10.expand3x3.conv.bias",
        "classifier.1.weight": "head.output.weight",
    }
    assert {key: table.to_ours(key) for key in pairs} == pairs
    assert set(pairs.values()) <= set(get_model("squeezenet1.0")._collect_params_with_prefix())


@pytest.mark.realdata
def test_real_weights_name_real_images(data_root: Path) -> None:
    """Weights by other people, in Gluon's names: 65.0 and 83.5 percent of 200 images.

    Half a percent is one image: decoders and resizing of other versions may differ in a pixel.
    """
    weights = data_root / "weights_converted" / "squeezenet1.0_deepcompression.params"
    net = get_model("squeezenet1.0", weights)
    net.hybridize(static_alloc=True, static_shape=True)
    files = sorted((data_root / "imagenet_samples").glob("*.JPEG"))
    assert len(files) == 200
    images = np.stack([PRESETS["imagenet"](read_image(path)) for path in files])
    batches = (net(mx.nd.array(images[i : i + 25])).asnumpy() for i in range(0, 200, 25))
    ranked = np.argsort(-np.concatenate(list(batches)), axis=1)
    right = ranked == 5 * np.arange(200)[:, None]
    assert right[:, 0].sum() / 2 == pytest.approx(65.0, abs=0.5)
    assert right[:, :5].sum() / 2 == pytest.approx(83.5, abs=0.5)
