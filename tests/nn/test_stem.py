from __future__ import annotations

from collections.abc import Callable

import numpy as np
from mxnet.gluon.nn import BatchNorm

from toolkit.nn import deep_stem

X = np.random.default_rng(1).normal(size=(1, 3, 9, 6)).astype("float32")


def test_a_deep_stem_halves_and_ends_in_a_bare_convolution(same_everywhere: Callable) -> None:
    stem = deep_stem((4, 5, 6), BatchNorm)
    y = same_everywhere(stem, X)
    assert y.shape == (1, 6, 5, 3)
    assert y.min() < 0
    shapes = [p.shape for k, p in stem._collect_params_with_prefix().items() if "weight" in k]
    assert shapes == [(4, 3, 3, 3), (5, 4, 3, 3), (6, 5, 3, 3)]
