"""Words as the bytes they are spelled with, as ELMo reads them: Peters et al., 2018, 1802.05365."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class ELMoCharVocab:
    """Maps each word to 50 numbers: where it begins, its bytes in UTF-8, where it ends, padding.

    Bytes beyond the 48th are left out. The words that begin and end a sentence have a number of
    their own in place of bytes. The numbers are those that the published models were trained with.
    """

    bos_token: str | None = "<bos>"
    eos_token: str | None = "<eos>"

    length: ClassVar[int] = 50  # of every word
    bos_id: ClassVar[int] = 256  # of a sentence
    eos_id: ClassVar[int] = 257
    bow_id: ClassVar[int] = 258  # of a word
    eow_id: ClassVar[int] = 259
    pad_id: ClassVar[int] = 260

    def __len__(self) -> int:
        return 262  # the published tables have one row more than there are numbers

    def __contains__(self, token: object) -> bool:
        """Whether it can be spelled, as all strings can."""
        return isinstance(token, str)

    def __getitem__(self, tokens: Any) -> Any:
        """The 50 numbers of a word, or a list of them for a list or tuple of words.

        Half a surrogate pair has no bytes and is left out.

        Raises:
            TypeError: what is no string.
        """
        if isinstance(tokens, list | tuple):
            return [self._numbers(token) for token in tokens]
        return self._numbers(tokens)

    __call__ = __getitem__

    def _numbers(self, token: Any) -> list[int]:
        if not isinstance(token, str):
            raise TypeError(f"expected a word, got {token!r}")
        if token in (self.bos_token, self.eos_token):
            inner = [self.bos_id if token == self.bos_token else self.eos_id]
        else:
            inner = list(token.encode("utf-8", "ignore")[: self.length - 2])
        word = [self.bow_id, *inner, self.eow_id]
        return word + [self.pad_id] * (self.length - len(word))
