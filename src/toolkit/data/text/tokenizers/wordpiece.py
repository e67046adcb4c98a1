"""WordPiece as BERT uses it: Devlin et al., 2018, https://arxiv.org/abs/1810.04805."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.data.text.tokenizers.bert_words import CHUNKS, BertWords
from toolkit.data.text.tokenizers.cached_words import CachedWords
from toolkit.data.text.tokenizers.encoding import Pieces, PlainPieces, Span
from toolkit.data.text.tokenizers.engines import Engine, RustEngine, chosen
from toolkit.data.text.tokenizers.template import TEMPLATES, Template
from toolkit.data.text.tokenizers.tokenizer import Tokenizer
from toolkit.data.text.vocab import Vocab

SPECIAL = {
    "padding_token": "[PAD]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}


@dataclass(frozen=True)
class WordPieceOptions:
    """What tells one WordPiece tokenizer from another."""

    lower: bool = True  # and, unless said otherwise, without accents
    strip_accents: bool | None = None  # None: where it lowers
    cjk: bool = True  # each Chinese character is a word
    longest_word: int = 100  # characters; what is longer is unknown (200 in Google's first code)
    prefix: str = "##"  # of pieces that continue a word
    special_in_text: bool = False  # "[MASK]" in a text is the token, not four pieces

    @property
    def strips(self) -> bool:
        """Whether accents go."""
        return self.lower if self.strip_accents is None else self.strip_accents


class WordPieceTokenizer(Tokenizer):
    """BERT's words, each cut greedily into the longest pieces that the vocabulary has.

    Args:
        vocab: the pieces, with an unknown token.
        options: how words are made and cut; uncased BERT's by default.
        template: the special tokens around texts.
        engine: "tokenizers", the library; "python"; or "auto", the library where it is there.

    Raises:
        ValueError: the vocabulary has no unknown token.
    """

    def __init__(
        self,
        vocab: Vocab,
        options: WordPieceOptions | None = None,
        *,
        template: Template = TEMPLATES["bert"],
        engine: str = "auto",
    ) -> None:
        super().__init__(vocab, template)
        self.options = options or WordPieceOptions()
        if vocab.unknown_token is None:
            raise ValueError("WordPiece needs a vocabulary with an unknown token, such as [UNK]")
        self.engine = chosen(engine)
        make = _rust if self.engine == "tokenizers" else _pure
        self._cut: Engine = make(vocab, self.options)

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], options: WordPieceOptions | None = None, **rest: object
    ) -> WordPieceTokenizer:
        """From ``vocab.txt`` of BERT or Hugging Face, or from GluonNLP's ``.vocab``.

        Raises:
            ValueError: the file is broken, see ``Vocab.load``.
        """
        vocab = Vocab.load(path, unknown_token="[UNK]", **SPECIAL)
        return cls(vocab, options, **rest)  # type: ignore[arg-type]

    def cut(self, texts: Sequence[str]) -> Sequence[Pieces]:
        """The pieces of each text; offsets leave out white space."""
        return self._cut(texts)

    def cut_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The indices of each text's pieces."""
        return self._cut.ids(texts)

    def join(self, tokens: Sequence[str]) -> str:
        """Words with one blank between; what BERT's basic tokenizer took away is lost."""
        prefix = self.options.prefix
        parts = [t[len(prefix) :] if t.startswith(prefix) else f" {t}" for t in tokens]
        return "".join(parts).removeprefix(" ")


def _specials(vocab: Vocab, options: WordPieceOptions) -> dict[str, int]:
    if not options.special_in_text:
        return {}
    tokens = [*vocab.special_tokens.values(), vocab.unknown_token]
    return {token: vocab[token] for token in dict.fromkeys(tokens)}


def _rust(vocab: Vocab, options: WordPieceOptions) -> RustEngine:
    from tokenizers import models, normalizers, pre_tokenizers

    model = models.WordPiece(
        vocab.token_to_idx,
        unk_token=vocab.unknown_token,
        max_input_chars_per_word=options.longest_word,
        continuing_subword_prefix=options.prefix,
    )
    normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=options.cjk,
        strip_accents=options.strips,
        lowercase=options.lower,
    )
    words = pre_tokenizers.BertPreTokenizer()
    return RustEngine.build(model, normalizer, words, _specials(vocab, options))


def _pure(vocab: Vocab, options: WordPieceOptions) -> CachedWords:
    words = BertWords(options.lower, options.strips, options.cjk)
    cut = _CutWord(vocab.token_to_idx, vocab.unknown_token, options, words)
    return CachedWords(CHUNKS, cut, _specials(vocab, options))


@dataclass(frozen=True)
class _CutWord:
    """Cuts what stands between white space."""

    index: dict[str, int]
    unknown: str
    options: WordPieceOptions
    words: BertWords

    def __call__(self, chunk: str) -> PlainPieces:
        tokens: list[str] = []
        offsets: list[Span] = []
        for word, places in self.words(chunk):
            start = 0
            for token, end in self._pieces(word):
                tokens.append(token)
                offsets.append((places[start], places[end - 1] + 1))
                start = end
        return PlainPieces([self.index[token] for token in tokens], tokens, offsets)

    def _pieces(self, word: str) -> list[tuple[str, int]]:
        """The pieces of a word, each with its end in it."""
        whole = [(self.unknown, len(word))]
        if len(word) > self.options.longest_word:
            return whole
        found, start = [], 0
        while start < len(word):
            prefix = self.options.prefix if start else ""
            for end in range(len(word), start, -1):
                piece = prefix + word[start:end]
                if piece in self.index:
                    found.append((piece, end))
                    start = end
                    break
            else:
                return whole
        return found
