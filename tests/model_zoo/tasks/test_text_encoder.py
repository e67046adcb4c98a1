from __future__ import annotations

from collections.abc import Callable

import numpy as np

from toolkit.utils.testing import assert_is_text_encoder


def test_it_is_the_encoder_and_nothing_else(build: Callable, texts: list) -> None:
    net = build("text_encoder")
    np.testing.assert_array_equal(net(*texts).asnumpy(), net.encoder(*texts).asnumpy())
    assert all(key.startswith("encoder.") for key in net._collect_params_with_prefix())


def test_it_keeps_the_contract_of_encoders(build: Callable) -> None:
    assert_is_text_encoder(build("text_encoder"))
