"""SentencePiece models: Kudo and Richardson, 2018, https://arxiv.org/abs/1808.06226."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sentencepiece import SentencePieceProcessor

from toolkit.data.text.tokenizers.encoding import Span
from toolkit.data.text.tokenizers.template import TEMPLATES, Template
from toolkit.data.text.tokenizers.tokenizer import Tokenizer
from toolkit.data.text.vocab import Vocab

# Fields of SentencePieceText: its pieces; and of a piece: the spelling, begin and end in bytes.
_PIECES, _PIECE, _BEGIN, _END = 2, 1, 4, 5


class SentencePieceTokenizer(Tokenizer):
    """The pieces of a unigram or BPE model; the library of that name is the engine.

    Args:
        model: a ``.model`` or ``.spiece`` file, as T5, ALBERT, XLNet and GluonNLP's BERTs have.
        template: the special tokens around texts; none by default, ``TEMPLATES["t5"]`` for T5.
        special_tokens: further names, such as ``{"mask_token": "[MASK]"}``, of pieces that are
            there. The model itself names padding, begin, end and unknown.
        extra_tokens: appended to the model's pieces, such as T5's ``<extra_id_99>`` and so on.

    Raises:
        ValueError: the file is no SentencePiece model.
        FileNotFoundError: it is not there.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        *,
        template: Template = TEMPLATES["plain"],
        special_tokens: Mapping[str, str] | None = None,
        extra_tokens: Sequence[str] = (),
    ) -> None:
        self.model = Path(model)
        self._library = _processor(self.model.read_bytes(), self.model)
        vocab = _vocab(self._library, special_tokens or {}, extra_tokens)
        super().__init__(vocab, template)
        self._size = len(vocab) - len(extra_tokens)  # of the model itself

    def cut(self, texts: Sequence[str]) -> list[SentencePieces]:
        """The pieces of each text; where nothing is normalized away, offsets cover it all."""
        rows = self.cut_ids(texts)
        return [SentencePieces(self._library, t, ids) for t, ids in zip(texts, rows, strict=True)]

    def cut_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The indices of each text's pieces."""
        return self._library.encode(list(texts), out_type=int)

    def join(self, tokens: Sequence[str]) -> str:
        """The text; tokens that the model has not, such as extra ones, stand by themselves."""
        parts: list[str] = []
        known: list[int] = []
        for token in tokens:
            index = self.vocab[token]
            if index < self._size:
                known.append(index)
            else:
                parts += [self._library.decode(known), token]
                known = []
        return " ".join(part for part in [*parts, self._library.decode(known)] if part)

    def __getstate__(self) -> dict[str, Any]:
        proto = self._library.serialized_model_proto()
        return {**self.__dict__, "_library": proto}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _library=_processor(state["_library"], state["model"]))


@dataclass(frozen=True)
class SentencePieces:
    """The pieces of a text; tokens and offsets are worked out when asked for."""

    library: Any
    text: str
    ids: list[int]

    @cached_property
    def tokens(self) -> list[str]:
        """The pieces as they are in the text, (T,): unknown ones as themselves."""
        return [fields[_PIECE].decode() for fields in self._fields]

    @cached_property
    def offsets(self) -> list[Span]:
        """Where they are in the text, (T, 2)."""
        char = [0]  # at each byte, the number of characters before it
        for i, c in enumerate(self.text, 1):
            char += [i - 1] * (len(c.encode()) - 1) + [i]
        return [(char[f.get(_BEGIN, 0)], char[f.get(_END, 0)]) for f in self._fields]

    @cached_property
    def _fields(self) -> list[dict[int, Any]]:
        proto = self.library.encode(self.text, out_type="serialized_proto")
        return [dict(_fields(value)) for number, value in _fields(proto) if number == _PIECES]


def _processor(proto: bytes, path: Path) -> Any:
    processor = SentencePieceProcessor()
    try:
        loaded = bool(proto) and processor.LoadFromSerializedProto(proto) is not False
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"{path} is no SentencePiece model: {error}") from error
    if not loaded or not len(processor):
        raise ValueError(f"{path} is no SentencePiece model: {len(proto)} bytes")
    return processor


def _vocab(library: Any, special_tokens: Mapping[str, str], extra: Sequence[str]) -> Vocab:
    tokens = [library.id_to_piece(i) for i in range(len(library))]
    named = {
        "padding_token": library.pad_id(),
        "bos_token": library.bos_id(),
        "eos_token": library.eos_id(),
    }
    special = {name: tokens[i] for name, i in named.items() if i >= 0}
    return Vocab.from_tokens(
        [*tokens, *extra],
        unknown_token=tokens[library.unk_id()],
        **{**special, **special_tokens},
    )


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a protocol buffer: number, and bytes or an integer."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield tag >> 3, value
            continue
        size, at = _varint(message, at) if kind == 2 else ((4, at) if kind == 5 else (8, at))
        yield tag >> 3, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """The integer at a place, and the place after it."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        shift, at = shift + 7, at + 1
        if byte < 128:
            return value, at
