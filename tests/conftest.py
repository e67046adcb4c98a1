"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import toolkit  # noqa: F401  (prepares MXNet before a test imports it)

DEFAULT_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real data and real weights; the test skips where it is absent."""
    root = Path(os.environ.get("TOOLKIT_TEST_DATA", DEFAULT_DATA))
    if not root.is_dir():
        pytest.skip(f"no real data at {root} (set TOOLKIT_TEST_DATA)")
    return root
