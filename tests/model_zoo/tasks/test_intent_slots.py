from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest


def test_a_text_has_an_intent_and_its_tokens_have_slots(
    build: Callable, texts: list, hybrid_equals_eager: Callable
) -> None:
    net = build("intent_slots", classes=3, slots=5)
    intents, slots = hybrid_equals_eager(net, *texts)
    assert (intents.shape, slots.shape) == ((3, 3), (3, 6, 5))
    features = net.encoder(*texts).asnumpy()
    weight, bias = (p.data().asnumpy() for p in (net.slots.weight, net.slots.bias))
    np.testing.assert_allclose(slots, features @ weight.T + bias, rtol=1e-4, atol=1e-5)


def test_no_slots(build: Callable) -> None:
    with pytest.raises(ValueError, match="at least 1, got 0"):
        build("intent_slots", classes=3, slots=0)
