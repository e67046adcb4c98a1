from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.data.text.datasets.source import Source


@pytest.fixture
def sources(tmp_path: Path) -> Callable[..., list[Source]]:
    """Makes files of texts."""

    def make(*contents: str | bytes, encoding: str = "utf-8") -> list[Source]:
        made = []
        for i, content in enumerate(contents):
            raw = content if isinstance(content, bytes) else content.encode(encoding)
            (tmp_path / f"{i}.txt").write_bytes(raw)
            made.append(Source(tmp_path, f"{i}.txt", encoding))
        return made

    return make
