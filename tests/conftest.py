"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import pytest

import toolkit  # noqa: F401  (prepares MXNet before a test imports it)

# isort: split
import mxnet as mx

DEFAULT_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def one_seed() -> None:
    """Random numbers that do not depend on which tests ran before in the same process."""
    mx.random.seed(0)
    np.random.seed(0)
    random.seed(0)


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real data and real weights; the test skips where it is absent."""
    root = Path(os.environ.get("TOOLKIT_TEST_DATA", DEFAULT_DATA))
    if not root.is_dir():
        pytest.skip(f"no real data at {root} (set TOOLKIT_TEST_DATA)")
    return root
