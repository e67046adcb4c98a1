"""What every tokenizer of the toolkit does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from toolkit.data.text.tokenizers.encoding import Encoding, Pieces
from toolkit.data.text.tokenizers.template import Slot, Template
from toolkit.data.text.tokenizers.truncation import TRUNCATIONS
from toolkit.data.text.vocab import Vocab
from toolkit.utils.registry import unknown

T = TypeVar("T")
_BARE = {n: tuple(Slot(None, i, i) for i in range(n)) for n in (1, 2)}


class Tokenizer:
    """Texts to indices and back.

    Final tokenizers define ``cut`` and ``join``, and ``cut_ids`` where that is faster.

    Args:
        vocab: the tokens; None where indices are never asked for.
        template: the special tokens around a text, or two.

    Raises:
        ValueError: the template names a token that the vocabulary has not.
    """

    def __init__(self, vocab: Vocab | None, template: Template) -> None:
        self._vocab, self.template = vocab, template
        self._special_ids = {}
        for token in template.tokens:
            if token not in self.vocab:
                raise ValueError(unknown("special token", token, self.vocab.idx_to_token))
            self._special_ids[token] = self.vocab[token]

    @property
    def vocab(self) -> Vocab:
        """The tokens by index; raises ValueError where none were given."""
        if self._vocab is None:
            raise ValueError("this tokenizer has no vocabulary: give it one, or use tokenize()")
        return self._vocab

    def cut(self, texts: Sequence[str]) -> Sequence[Pieces]:
        """The pieces of each text, without special tokens."""
        raise NotImplementedError

    def cut_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The indices of each text's pieces, without special tokens."""
        return [pieces.ids for pieces in self.cut(texts)]

    def join(self, tokens: Sequence[str]) -> str:
        """The text of some tokens."""
        raise NotImplementedError

    def tokenize(self, text: str) -> list[str]:
        """The tokens of a text, without special ones."""
        return self._asked(self.cut, [text])[0].tokens

    def encode(self, text: str, pair: str | None = None, **options: Any) -> Encoding:
        """One text, or two, for a model; options and errors as for ``encode_batch``."""
        return self.encode_batch([text], None if pair is None else [pair], **options)[0]

    def encode_batch(
        self,
        texts: Sequence[str],
        pairs: Sequence[str] | None = None,
        *,
        max_length: int | None = None,
        truncate: str = "longest",
        special: bool = True,
    ) -> list[Encoding]:
        """Texts for a model; many at once are faster.

        Args:
            texts: N texts.
            pairs: N second texts, each to go with a first.
            max_length: the most tokens that an encoding may have, special ones included.
            truncate: where tokens are taken from, at the end: of the "longest" text, one by one
                (the second where both are equally long), as BERT's authors and GluonNLP do; of
                the same but for one token by "longest_first", as the ``tokenizers`` library does;
                of the "first", or of the "second".
            special: add the special tokens of the template.

        Raises:
            ValueError: a text with half a surrogate pair, another number of pairs, an unknown
                truncation, or one that leaves less than nothing of a text.
            TypeError: a text that is no string.
        """
        if isinstance(texts, str) or isinstance(pairs, str):
            raise TypeError("encode_batch takes a list of texts; encode takes one")
        columns = [texts] if pairs is None else [texts, pairs]
        if len(columns[-1]) != len(texts):
            raise ValueError(f"{len(texts)} texts need as many pairs, got {len(columns[-1])}")
        slots = self.template.slots[len(columns)] if special else _BARE[len(columns)]
        room = None if max_length is None else max_length - (len(slots) - len(columns))
        fit = _fitting(truncate, room)
        rows = zip(*(self._asked(self.cut, column) for column in columns), strict=True)
        return [
            Encoding(row, fit(tuple(len(pieces.ids) for pieces in row)), slots, self._special_ids)
            for row in rows
        ]

    def encode_ids(
        self, texts: Sequence[str], *, max_length: int | None = None, special: bool = True
    ) -> list[list[int]]:
        """The indices alone, of single texts: the fastest way to many.

        Returns and raises what ``encode_batch`` does; the same as its ``ids``.
        """
        slots = self.template.slots[1] if special else _BARE[1]
        place = next(i for i, slot in enumerate(slots) if slot.text == 0)
        before, after = (
            [self._special_ids[slot.token or ""] for slot in part]
            for part in (slots[:place], slots[place + 1 :])
        )
        rows = self._asked(self.cut_ids, texts)
        if max_length is not None:
            room = max_length - len(slots) + 1
            fit = _fitting("longest", room)
            rows = [ids[: fit((len(ids),))[0]] for ids in rows]
        return [before + ids + after for ids in rows] if len(slots) > 1 else rows

    def decode(self, ids: Iterable[int], *, skip_special: bool = True) -> str:
        """The text of some indices; ``skip_special`` drops the template's tokens and padding.

        Raises:
            IndexError: an index that the vocabulary has not.
        """
        dropped = {*self._special_ids, self.vocab.padding_token} if skip_special else set()
        tokens = self.vocab.to_tokens([int(i) for i in ids])
        return self.join([token for token in tokens if token not in dropped])

    def decode_batch(
        self, rows: Iterable[Iterable[int]], *, skip_special: bool = True
    ) -> list[str]:
        """The text of each row of indices."""
        return [self.decode(row, skip_special=skip_special) for row in rows]

    def _asked(self, function: Callable[[Sequence[str]], T], texts: Sequence[str]) -> T:
        """What a function makes of texts; says which text it is where one is no text."""
        try:
            return function(texts)
        except (TypeError, UnicodeError):
            for i, text in enumerate(texts):
                if not isinstance(text, str):
                    raise TypeError(f"text {i} is {type(text).__name__}, expected str") from None
                _check_whole(i, text)
            raise


def _check_whole(number: int, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"text {number} has half a surrogate pair, {text[error.start]!r}, at {error.start}; "
            "mend it with text.encode(errors='replace').decode()"
        ) from None


def _fitting(truncate: str, room: int | None) -> Callable[[tuple[int, ...]], tuple[int, ...]]:
    """How many tokens of each text stay."""
    if truncate not in TRUNCATIONS:
        raise ValueError(unknown("truncation", truncate, TRUNCATIONS))
    if room is None:
        return lambda lengths: lengths
    limit = room
    if limit < 0:
        raise ValueError(f"max_length leaves {limit} tokens for the text; raise it")
    cut = TRUNCATIONS[truncate]

    def fit(lengths: tuple[int, ...]) -> tuple[int, ...]:
        if sum(lengths) <= limit:
            return lengths
        kept = cut(lengths, limit)
        if min(kept) < 0:
            raise ValueError(
                f"texts of {lengths} tokens do not fit into {limit} with truncate={truncate!r}"
            )
        return kept

    return fit
