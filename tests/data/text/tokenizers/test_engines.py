from __future__ import annotations

import importlib.util

import pytest

from toolkit.data.text.tokenizers.engines import chosen


def test_the_library_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [chosen(n) for n in ("auto", "tokenizers", "python")] == [
        *("tokenizers", "tokenizers", "python"),
    ]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert chosen("auto") == "python"
    with pytest.raises(ImportError, match="needs the tokenizers library: pip install"):
        chosen("tokenizers")
    with pytest.raises(ValueError, match="unknown engine 'rust'"):
        chosen("rust")
