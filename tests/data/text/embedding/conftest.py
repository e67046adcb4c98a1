from __future__ import annotations

import numpy as np
import pytest

from toolkit.data.text.embedding import TokenEmbedding

TOKENS = ["the", "cat", "Dog", "<unk>", "naïve"]


@pytest.fixture
def vectors() -> np.ndarray:
    return np.arange(15, dtype=np.float32).reshape(5, 3) - 7


@pytest.fixture
def table(vectors: np.ndarray) -> TokenEmbedding:
    return TokenEmbedding(TOKENS, vectors)
