from __future__ import annotations

from collections.abc import Callable

import pytest

from toolkit.data.text.datasets.corpora import parallel, sentences, whole
from toolkit.data.text.datasets.source import DatasetError


def test_running_text(sources: Callable) -> None:
    assert sentences(sources(" a b \n\n = c =\n")) == [["a", "b"], ["=", "c", "="]]
    assert whole(sources("a\nb")) == ["a\nb"]


def test_two_languages(sources: Callable) -> None:
    assert parallel(sources("a\n\n", "b\nc\n")) == [("a", "b"), ("", "c")]
    with pytest.raises(DatasetError, match=r"1\.txt, line 2: files of 2 and 1 lines"):
        parallel(sources("a\nb\n", "c\n"))
