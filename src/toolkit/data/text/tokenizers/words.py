"""Words of a text by rules: white space, Moses, spaCy, Jieba."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from toolkit.data.text.splitters import split_words
from toolkit.data.text.tokenizers.encoding import PlainPieces, Span
from toolkit.data.text.tokenizers.template import TEMPLATES, Template
from toolkit.data.text.tokenizers.tokenizer import Tokenizer
from toolkit.data.text.vocab import Vocab

SplitWords = Callable[[str], Sequence[str]]


class WordTokenizer(Tokenizer):
    """The words that a function finds in a text.

    Args:
        split: gives the words of a text, which stand in it in this order: white space parts them
            by default; or ``Moses``, ``Spacy``, ``Jieba``.
        vocab: needed for indices; tokens are spelled as in the text, unknown ones too.
        template: the special tokens around texts; none by default.
    """

    def __init__(
        self,
        split: SplitWords = split_words,
        vocab: Vocab | None = None,
        *,
        template: Template = TEMPLATES["plain"],
    ) -> None:
        super().__init__(vocab, template)
        self.split = split

    def cut(self, texts: Sequence[str]) -> list[PlainPieces]:
        """The words of each text.

        Raises:
            ValueError: a word is not in the text.
        """
        found = []
        for text in texts:
            text.encode()  # refuses half a surrogate pair
            words = list(self.split(text))
            ids = [] if self._vocab is None else self._vocab[words]
            found.append(PlainPieces(ids, words, _places(text, words)))
        return found

    def cut_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The indices of each text's words."""
        return [self.vocab[list(self.split(text))] for text in texts]

    def encode_batch(self, texts: Sequence[str], *args: Any, **options: Any) -> Any:
        """See ``Tokenizer``; raises ValueError where no vocabulary was given."""
        _ = self.vocab
        return super().encode_batch(texts, *args, **options)

    def join(self, tokens: Sequence[str]) -> str:
        """As the split puts words together, else with a blank between."""
        return getattr(self.split, "join", " ".join)(tokens)


def _places(text: str, words: Sequence[str]) -> list[Span]:
    places, end = [], 0
    for word in words:
        start = text.find(word, end)
        if start < 0:
            raise ValueError(f"the word {word!r} is not in the text after character {end}")
        end = start + len(word)
        places.append((start, end))
    return places


def _module(name: str, extra: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"{name} is not installed: pip install {extra}") from error


@dataclass(frozen=True)
class Moses:
    """The tokenizer of the Moses translation system, by the ``sacremoses`` package."""

    language: str = "en"
    aggressive_dash: bool = False  # "a-b" becomes "a @-@ b", whose parts are not in the text
    _library: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        library = _module("sacremoses", "sacremoses")
        makers = library.MosesTokenizer(self.language), library.MosesDetokenizer(self.language)
        object.__setattr__(self, "_library", makers)

    def __call__(self, text: str) -> list[str]:
        """The words; special characters are not escaped."""
        options = {"aggressive_dash_splits": self.aggressive_dash, "escape": False}
        return self._library[0].tokenize(text, **options)

    def join(self, words: Sequence[str]) -> str:
        """The text of words."""
        return self._library[1].detokenize(list(words), unescape=False)


@dataclass(frozen=True)
class Spacy:
    """The tokenizer of a language of spaCy; no model is needed."""

    language: str = "en"
    _library: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        library = _module("spacy", "spacy").blank(self.language)
        object.__setattr__(self, "_library", library.tokenizer)

    def __call__(self, text: str) -> list[str]:
        """The words, without white space."""
        return [token.text for token in self._library(text) if not token.is_space]


@dataclass(frozen=True)
class Jieba:
    """Chinese words, by the ``jieba`` package."""

    _library: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_library", _module("jieba", "jieba").Tokenizer())

    def __call__(self, text: str) -> list[str]:
        """The words, without white space."""
        return [word for word in self._library.cut(text) if not word.isspace()]

    def join(self, words: Sequence[str]) -> str:
        """Chinese puts nothing between words."""
        return "".join(words)
