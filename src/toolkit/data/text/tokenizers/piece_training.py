"""SentencePiece models of one's own texts."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from sentencepiece import SentencePieceTrainer

KINDS = ("unigram", "bpe")


def train_pieces(
    texts: Iterable[str], count: int, path: str | os.PathLike[str], *, kind: str = "unigram"
) -> None:
    """Writes a model of the pieces that texts are made of: of one language, or of two together.

    The first pieces are T5's: padding, the end of a text, and what is unknown; there is no
    beginning. The same texts give the same model.

    Args:
        texts: Lines.
        count: Pieces; fewer where the texts have not so many.
        path: The file to write, ``.model``, and beside it one of all pieces, ``.vocab``.
        kind: "unigram" or "bpe".

    Raises:
        ValueError: another kind; or too few pieces for the characters of the texts.
    """
    if kind not in KINDS:
        raise ValueError(f"pieces are of the kinds {' and '.join(KINDS)}, got {kind!r}")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_prefix=str(path.with_suffix("")),
            vocab_size=count,
            model_type=kind,
            character_coverage=1.0,
            hard_vocab_limit=False,
            num_threads=1,
            minloglevel=2,
            pad_id=0,
            eos_id=1,
            unk_id=2,
            bos_id=-1,
        )
    except RuntimeError as error:
        raise ValueError(f"no model of {count} pieces can be made: {error}") from error
