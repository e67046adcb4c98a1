"""What training and scoring of translators share: texts in pieces, networks, translations."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from toolkit.data import DataLoader, TokenBatches
from toolkit.data.text.pairs import IGNORED, PAIR_BATCHIFY, TextPairs
from toolkit.data.text.tokenizers import (
    TEMPLATES,
    SentencePieceTokenizer,
    Tokenizer,
    load_tokenizer,
)
from toolkit.loss import SoftmaxCrossEntropyLoss
from toolkit.model_zoo import get_model, save_huggingface
from toolkit.model_zoo.batch_beam import LengthPenalty
from toolkit.utils.files import atomic_write
from toolkit.utils.options import parse_options
from toolkit.utils.training import StepResult

import mxnet as mx

PIECES, WEIGHTS = "pieces.model", "final.params"  # in the folder of a run


class Objective:
    """The cross-entropy of every word that follows; a batch weighs as many as it has words."""

    def __init__(self, smoothing: float = 0.0) -> None:
        self.loss = SoftmaxCrossEntropyLoss(smoothing, ignore=IGNORED)

    def __call__(self, net: Any, batch: tuple) -> StepResult:
        tokens, lengths, words, labels = batch
        count = float((labels != IGNORED).sum().asscalar())
        return StepResult(self.loss(net(tokens, lengths, words), labels) * count, count=count)


def open_pieces(path: Path) -> SentencePieceTokenizer:
    """Pieces of both languages; texts end with the piece for that."""
    return SentencePieceTokenizer(path, template=TEMPLATES["t5"])


def make_net(model: str, sizes: Sequence[str], vocab_size: int, **options: Any) -> Any:
    """A translator of such pieces, of other sizes than its name's: ``layers=3``."""
    special = {"vocab_size": vocab_size, "start": 0, "end": 1}  # the padding, the end of a text
    return get_model(model, task="translator", **special, **options, **parse_options(sizes))


def save_folder(net: Any, pieces: SentencePieceTokenizer, folder: Path) -> None:
    """Writes a folder for ``toolkit predict`` and for ``MarianMTModel`` of ``transformers``."""
    save_huggingface(net, folder)
    for name in ("source.spm", "target.spm"):
        shutil.copy(pieces.model, folder / name)
    with atomic_write(folder / "vocab.json", "w") as file:
        json.dump(pieces.vocab.token_to_idx, file, ensure_ascii=False)


def open_folder(model: str, sizes: Sequence[str], folder: Path) -> tuple[Any, Tokenizer]:
    """The network and the tokenizer of a folder of ``transformers``."""
    net = get_model(model, folder, task="translator", **parse_options(sizes))
    return net, load_tokenizer(folder)


def open_run(folder: Path) -> tuple[Any, Tokenizer]:
    """The network of a run with its last weights, and its pieces."""
    config = json.loads((folder / "run.json").read_text(encoding="utf-8"))["config"]
    pieces = open_pieces(folder / PIECES)
    weights = {"pretrained": folder / WEIGHTS}
    return make_net(config["model"], config["set"], len(pieces.vocab), **weights), pieces


def loader(pairs: TextPairs, tokens: int, *, shuffle: bool, seed: int = 0) -> DataLoader:
    """Batches of at most so many pieces, as sources and as translations."""
    order = TokenBatches(pairs.longest, tokens, shuffle=shuffle, seed=seed)
    return DataLoader(pairs, sampler=order, batchify=PAIR_BATCHIFY, seed=seed)


def translate(
    net: Any,
    pairs: TextPairs,
    *,
    tokens: int = 1024,
    width: int = 1,
    max_tokens: int = 100,
    penalty: LengthPenalty | None = None,
) -> list[str]:
    """The translation of each source, in order; like lengths are translated together."""
    order = TokenBatches([len(source) for source in pairs.sources], tokens, shuffle=False)
    found = [""] * len(pairs)
    for places in order.batches(0):
        rows = [pairs[place] for place in places.tolist()]
        sources, lengths, *_ = PAIR_BATCHIFY(rows)
        arrays = (mx.nd.array(field, dtype="int32") for field in (sources, lengths))
        ids = net.translate(*arrays, width=width, max_tokens=max_tokens, penalty=penalty)
        texts = pairs.target_tokenizer.decode_batch(ids)
        for place, text in zip(places.tolist(), texts, strict=True):
            found[place] = text
    return found
