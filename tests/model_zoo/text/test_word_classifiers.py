"""What holds for the classifiers of words that pool them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.deploy import export, load
from toolkit.nn import MODES, POOLS


@pytest.mark.parametrize("kind", ["bag", "lstm"])
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("mode", MODES)
def test_what_is_beyond_the_length_changes_nothing(
    word_kit: Any, kind: str, mode: str, pool: str
) -> None:
    net = word_kit.build(kind, mode=mode, pool=pool, word_dropout=0.1)
    expected = word_kit.scores(net, word_kit.texts, word_kit.lengths)
    assert expected.shape == (3, 4)
    other = np.pad(word_kit.texts, ((0, 0), (0, 4)), constant_values=11)
    other[1, 3:] = 12
    np.testing.assert_allclose(
        word_kit.scores(net, other, word_kit.lengths), expected, rtol=1e-5, atol=1e-6
    )
    net.hybridize()
    np.testing.assert_allclose(
        word_kit.scores(net, word_kit.texts, word_kit.lengths), expected, rtol=1e-5, atol=1e-6
    )
    alone = word_kit.scores(net, word_kit.texts[1:2, :3], word_kit.lengths[1:2])
    np.testing.assert_allclose(alone, expected[1:2], rtol=1e-5, atol=1e-6)
    assert (
        np.abs(
            word_kit.scores(net, word_kit.texts, word_kit.lengths + np.float32([0, 1, 0]))[1]
            - expected[1]
        ).max()
        > 1e-3
    )


@pytest.mark.parametrize("kind", ["bag", "lstm"])
@pytest.mark.parametrize("pool", POOLS)
def test_an_exported_one_gives_the_same(
    word_kit: Any, kind: str, pool: str, tmp_path: Path
) -> None:
    net = word_kit.build(kind, pool=pool)
    expected = word_kit.scores(net, word_kit.texts, word_kit.lengths)
    manifest = export(net, tmp_path / "net", (word_kit.texts, word_kit.lengths))
    again = load(manifest)
    (found,) = again(word_kit.texts, word_kit.lengths)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["bag", "lstm"])
def test_an_unknown_pool_is_refused(word_kit: Any, kind: str) -> None:
    with pytest.raises(ValueError, match="attention"):
        word_kit.build(kind, pool="atention")
