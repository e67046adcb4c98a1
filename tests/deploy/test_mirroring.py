from __future__ import annotations

import numpy as np
import pytest

from toolkit.deploy import MirrorAverage, Runner
from toolkit.deploy.manifest import Manifest, TensorSpec

LABELS = ("left hand", "right hand", "head")


class Channels(Runner):
    """Heat maps are the channels: what is red is the left hand."""

    backend = "numpy"

    def __init__(self, labels: tuple[str, ...] | None = LABELS) -> None:
        spec = (TensorSpec("data", (None, 3, 4, 6)),)
        super().__init__(Manifest("channels", spec, spec, "pose_estimator", None, labels))
        self.calls: list[np.ndarray] = []

    def _run(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        self.calls.append(arrays[0])
        return [arrays[0]]


def test_maps_are_means_of_both_looks() -> None:
    runner = Channels()
    both = MirrorAverage(runner)
    x = np.random.default_rng(0).uniform(size=(2, 3, 4, 6)).astype(np.float32)
    (found,) = both(x)
    np.testing.assert_array_equal(runner.calls[1], x[..., ::-1])
    # The mirror's own left hand is the right one; cells move by one.
    back = x[:, [1, 0, 2]]
    np.testing.assert_allclose(found[..., 1:], (x[..., 1:] + back[..., :-1]) / 2, rtol=1e-6)
    assert (both.backend, both.manifest) == ("numpy", runner.manifest)


def test_names_are_needed() -> None:
    with pytest.raises(ValueError, match="channels has no names of joints: give labels="):
        MirrorAverage(Channels(None))
    with pytest.raises(ValueError, match="joint 'left b' has no counterpart"):
        MirrorAverage(Channels(), ("a", "left b", "c"))
    assert MirrorAverage(Channels(None), LABELS)(np.zeros((1, 3, 4, 6)))[0].shape == (1, 3, 4, 6)
