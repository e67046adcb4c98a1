from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from toolkit.model_zoo import get_model


def test_scores_come_from_the_first_token(
    build: Callable, texts: list, hybrid_equals_eager: Callable
) -> None:
    net = build("text_classifier", classes=3)
    (scores,) = hybrid_equals_eager(net, *texts)
    assert scores.shape == (3, 3)
    first = net.encoder(*texts).asnumpy()[:, 0]
    w = {key: p.data().asnumpy() for key, p in net._collect_params_with_prefix().items()}
    pooled = np.tanh(first @ w["pooler.weight"].T + w["pooler.bias"])
    expected = pooled @ w["head.weight"].T + w["head.bias"]
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)


def test_one_class_is_a_regression(build: Callable, texts: list) -> None:
    assert build("text_classifier", classes=1)(*texts).shape == (3, 1)


def test_the_number_of_classes_must_be_told() -> None:
    with pytest.raises(ValueError, match="classes must be a whole number of at least 1, got 0"):
        get_model("bert_12_768_12", task="text_classifier", layers=1)


def test_a_model_without_segments_is_a_classifier_too(texts: list) -> None:
    net = get_model("distilbert_6_768_12", task="text_classifier", classes=2, layers=1)
    net.initialize()
    net.hybridize()
    assert net(*texts).shape == (3, 2)
