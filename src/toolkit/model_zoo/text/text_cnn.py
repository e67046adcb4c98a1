"""TextCNN: Kim, 2014, https://arxiv.org/abs/1408.5882.

Not a text encoder: it has one vector a text, none a token. No row of the published models either:
its vocabulary is that of the texts it is trained on. A script builds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Conv1D, Dense, Dropout

from toolkit.nn.containers import sequence
from toolkit.nn.text_pool import token_pool
from toolkit.nn.word_vectors import WordVectors


@dataclass(frozen=True)
class TextCNNConfig:
    """What tells one of these networks from another.

    Raises:
        ValueError: no widths, or no pools.
    """

    vocab_size: int
    classes: int
    mode: str = "rand"  # of word vectors: rand, static, non-static, multichannel
    units: int = 300  # of a word's vector
    channels: int = 100  # filters of each width
    widths: tuple[int, ...] = (3, 4, 5)  # words that a filter sees
    pools: tuple[str, ...] = ("max",)  # of a filter's answers, names in POOLS; the paper's
    dropout: float = 0.5  # on the features of a text
    word_dropout: float = 0.0  # share of words that are left out in training; the paper has none
    subwords: int = 0  # n-grams of characters that have vectors, which are added to words'

    def __post_init__(self) -> None:
        if not self.widths or min(self.widths) < 1:
            raise ValueError(f"widths must be one or more numbers from 1 on, got {self.widths!r}")
        if not self.pools:
            raise ValueError(f"pools must be one or more names, got {self.pools!r}")


class Matches(HybridBlock):
    """Filters of one width over a text, and one number a pool for the answers of each.

    Args:
        channels: Number of filters.
        width: Words that a filter sees; it also hangs over both ends of a text.
        units: Of a word.
        pools: Names in ``POOLS``.

    Raises:
        ValueError: no such pool.
    """

    def __init__(
        self, channels: int, width: int, *, units: int, pools: Sequence[str] = ("max",)
    ) -> None:
        super().__init__()
        self._overhang = width - 1
        self.conv = Conv1D(channels, width, padding=width - 1, activation="relu", in_channels=units)
        self.pools = sequence(*(token_pool(name, channels) for name in pools))

    def hybrid_forward(self, F: Any, x: Any, valid_length: Any) -> Any:
        """Maps ``(N, units, T)``, zero beyond the lengths, to ``(N, len(pools) * channels)``."""
        answers = F.transpose(self.conv(x), axes=(0, 2, 1))
        lengths = valid_length + self._overhang  # other windows see nothing of the text
        return F.concat(*(pool(answers, lengths) for pool in self.pools), dim=1)


class TextCNN(HybridBlock):
    """Scores ``(N, classes)``, before softmax, of texts of any length from 1 on.

    What stands beyond the valid length changes nothing.

    Raises:
        ValueError: no such mode, or no such pool.
    """

    def __init__(self, config: TextCNNConfig) -> None:
        super().__init__()
        self.config = config
        self.words = WordVectors(
            config.vocab_size,
            config.units,
            mode=config.mode,
            dropout=config.word_dropout,
            subwords=config.subwords,
        )
        units, pools = self.words.units, config.pools
        self.matches = sequence(
            *(Matches(config.channels, width, units=units, pools=pools) for width in config.widths)
        )
        self.dropout = Dropout(config.dropout)
        features = config.channels * len(config.widths) * len(config.pools)
        self.head = Dense(config.classes, in_units=features)

    def hybrid_forward(self, F: Any, tokens: Any, valid_length: Any) -> Any:
        """Maps tokens and lengths ``(N,)``, as ``WordVectors`` has them, to ``(N, classes)``."""
        x = F.transpose(self.words(tokens, valid_length), axes=(0, 2, 1))
        features = [match(x, valid_length) for match in self.matches]
        return self.head(self.dropout(F.concat(*features, dim=1)))
