"""Makes the packages that this one succeeds importable, on a NumPy that they do not know."""

from __future__ import annotations

import warnings
from types import ModuleType

import numpy as np
import pytest

# Names of NumPy's that its newer versions dropped and that upstream still asks for.
DROPPED = {"bool": bool, "int": int, "float": float, "object": object}


def import_upstream(name: str) -> ModuleType:
    """The upstream module; the test skips, with the reason, where it cannot be imported."""
    for alias, value in DROPPED.items():
        if alias not in vars(np):
            setattr(np, alias, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module: ModuleType = pytest.importorskip(name, exc_type=ImportError)
    return module


@pytest.fixture(scope="session")
def gluoncv() -> ModuleType:
    """The GluonCV package."""
    return import_upstream("gluoncv")


@pytest.fixture(scope="session")
def gluonnlp() -> ModuleType:
    """The GluonNLP package."""
    return import_upstream("gluonnlp")
