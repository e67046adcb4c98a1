"""The tokenizer of Marian's translators: pieces of two languages in one vocabulary."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from toolkit.data.text.tokenizers.encoding import PlainPieces
from toolkit.data.text.tokenizers.sentencepiece_tokenizer import SentencePieceTokenizer
from toolkit.data.text.tokenizers.template import TEMPLATES
from toolkit.data.text.tokenizers.tokenizer import Tokenizer
from toolkit.data.text.vocab import Vocab

FILES = ("source.spm", "target.spm", "vocab.json")
LANGUAGE = re.compile(r">>.+?<<")  # at the beginning of a text: what it is to be translated into
SPECIAL = {"padding_token": "<pad>", "eos_token": "</s>"}


class MarianTokenizer(Tokenizer):
    """Cuts texts by the pieces of the source language, and joins those of the target.

    Both have their indices in one vocabulary. A text may begin with a language, ``>>fra<<``, if the
    model translates into several. Punctuation is left as it is: the ``transformers`` package
    normalizes it where ``sacremoses`` is installed.

    Args:
        source: The SentencePiece model of the source language, ``source.spm``.
        target: That of the target language, ``target.spm``.
        vocab: The indices of all pieces, ``vocab.json``.
        targets: Whether it is texts of the target language that are cut, to train on them.

    Raises:
        FileNotFoundError: one is not there.
        ValueError: one is broken, or indices are missing.
    """

    def __init__(
        self,
        source: str | os.PathLike[str],
        target: str | os.PathLike[str],
        vocab: str | os.PathLike[str],
        *,
        targets: bool = False,
    ) -> None:
        self._joining = SentencePieceTokenizer(target)
        self._cutting = self._joining if targets else SentencePieceTokenizer(source)
        super().__init__(_read_vocab(Path(vocab)), TEMPLATES["t5"])

    @classmethod
    def load(cls, folder: str | os.PathLike[str], *, targets: bool = False) -> MarianTokenizer:
        """The tokenizer of a folder with these three files."""
        return cls(*(Path(folder) / name for name in FILES), targets=targets)

    def cut(self, texts: Sequence[str]) -> list[PlainPieces]:
        """The pieces of each text, behind its language if there is one."""
        found = []
        for text in texts:
            code = LANGUAGE.match(text)
            shift = code.end() if code else 0
            (pieces,) = self._cutting.cut([text[shift:]])
            tokens = [*([code.group()] if code else []), *pieces.tokens]
            offsets = [(first + shift, last + shift) for first, last in pieces.offsets]
            offsets = [*([(0, shift)] if code else []), *offsets]
            found.append(PlainPieces(self.vocab[tokens], tokens, offsets))
        return found

    def join(self, tokens: Sequence[str]) -> str:
        """The text of pieces of the target language."""
        return self._joining.join(tokens)


def _read_vocab(path: Path) -> Vocab:
    indices = json.loads(path.read_text(encoding="utf-8"))
    tokens = sorted(indices, key=indices.__getitem__)
    if [indices[token] for token in tokens] != list(range(len(tokens))):
        raise ValueError(f"{path}: the indices of {len(tokens)} pieces are not 0, 1, 2 and so on")
    return Vocab.from_tokens(tokens, unknown_token="<unk>", **SPECIAL)
