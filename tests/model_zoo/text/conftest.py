"""Texts for small classifiers of words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from toolkit.model_zoo.text.bag_of_vectors import BagOfVectors, BagOfVectorsConfig
from toolkit.model_zoo.text.text_cnn import TextCNN, TextCNNConfig
from toolkit.model_zoo.text.text_lstm import TextLSTM, TextLSTMConfig

KINDS: dict[str, Callable[..., HybridBlock]] = {
    "bag": lambda **o: BagOfVectors(BagOfVectorsConfig(20, 4, **{"units": 6, **o})),
    "cnn": lambda **o: TextCNN(TextCNNConfig(20, 4, **{"units": 6, "channels": 5, **o})),
    "lstm": lambda **o: TextLSTM(TextLSTMConfig(20, 4, **{"units": 6, "hidden": 5, **o})),
}


class WordKit:
    """Three texts of 20 words, and small classifiers of them into four classes."""

    texts = np.random.default_rng(0).integers(0, 20, (3, 7)).astype("float32")
    lengths = np.array([7, 3, 1], "float32")

    @staticmethod
    def build(kind: str, **options: Any) -> HybridBlock:
        """A classifier, the same each time."""
        mx.random.seed(0)
        np.random.seed(0)
        net = KINDS[kind](**options)
        net.initialize(mx.init.Normal(0.5))
        return net

    @staticmethod
    def scores(net: HybridBlock, texts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """What a network says of texts."""
        result: np.ndarray = net(mx.nd.array(texts), mx.nd.array(lengths)).asnumpy()
        return result


@pytest.fixture
def word_kit() -> type[WordKit]:
    """Texts and classifiers of words."""
    return WordKit
