"""What cuts texts: the ``tokenizers`` library where it is installed, else Python."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from toolkit.data.text.tokenizers.encoding import Pieces
from toolkit.utils.registry import unknown

NAMES = ("auto", "tokenizers", "python")
INSTALL = "pip install 'gluon-toolkit[hf]'"


class Engine(Protocol):
    """Cuts texts into pieces."""

    def __call__(self, texts: Sequence[str]) -> Sequence[Pieces]:
        """The pieces of each text."""
        ...

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The indices of each text's pieces."""
        ...


def chosen(name: str) -> str:
    """The engine to use, "tokenizers" or "python".

    Raises:
        ValueError: an unknown name.
        ImportError: the library was asked for and is not there.
    """
    if name not in NAMES:
        raise ValueError(unknown("engine", name, NAMES))
    there = importlib.util.find_spec("tokenizers") is not None
    if name == "tokenizers" and not there:
        raise ImportError(f"engine='tokenizers' needs the tokenizers library: {INSTALL}")
    return "tokenizers" if there and name != "python" else "python"


@dataclass(frozen=True)
class RustEngine:
    """A tokenizer of the ``tokenizers`` library, without special tokens of its own."""

    library: Any  # tokenizers.Tokenizer

    @classmethod
    def build(
        cls, model: Any, normalizer: Any, words: Any, special: Mapping[str, int]
    ) -> RustEngine:
        """The engine of a model, what comes before it, and tokens to be found in texts."""
        from tokenizers import Tokenizer

        library = Tokenizer(model)
        if normalizer is not None:
            library.normalizer = normalizer
        library.pre_tokenizer = words
        library.add_special_tokens(list(special))
        return cls(library)

    def __call__(self, texts: Sequence[str]) -> Sequence[Pieces]:
        """The pieces of each text."""
        return self.library.encode_batch(texts, add_special_tokens=False)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The indices of each text's pieces."""
        # The fast one leaves out the offsets; it came in 0.20.
        encode = getattr(self.library, "encode_batch_fast", self.library.encode_batch)
        return [pieces.ids for pieces in encode(texts, add_special_tokens=False)]
