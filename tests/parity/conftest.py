"""Makes the packages that this one succeeds importable, on a NumPy that they do not know."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
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


@pytest.fixture(scope="session")
def record() -> Callable[..., None]:
    """Keeps what was measured of a name, for the page that shows it: see ``page.py``.

    Called with the page's section, the name, and relative differences by form, or a note. Each
    process adds lines to a file of its own in the folder ``PARITY_RESULTS``, if there is one.
    """
    folder = os.environ.get("PARITY_RESULTS")

    def write(section: str, name: str, **values: float | str) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            with (Path(folder) / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps({"section": section, "name": name, **values}) + "\n")

    return write
