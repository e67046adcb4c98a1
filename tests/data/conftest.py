from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def cases(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module ``loading_cases``, on a search path that worker processes share."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("loading_cases")
