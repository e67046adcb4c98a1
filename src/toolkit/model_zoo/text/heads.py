"""Parts that stand on a text encoder, under the names that files of weights know them by."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dense, LayerNorm

from toolkit.nn.activation import activation

# A file may lack those that a network has, and have those that it lacks.
PARTS = (
    "pooler.",
    "decoder.",
    "next_sentence.",
    "head.",
    "spans.",
    "slots.",
    "mask",
    "encoder.mix.",
)


class Pooler(HybridBlock):
    """A dense layer with an activation on one token: ``(N, T, units)`` to ``(N, units)``.

    Args:
        units: Units of the tokens.
        act: Name of the activation.
        last: Whether it is the last token that counts, instead of the first.
    """

    def __init__(self, units: int, act: str = "tanh", *, last: bool = False) -> None:
        super().__init__()
        self.weight = self.params.get("weight", shape=(units, units))
        self.bias = self.params.get("bias", shape=(units,), init="zeros")
        self.act = activation(act)
        self._units = units
        self._last = last

    @classmethod
    def of(cls, encoder: HybridBlock) -> Pooler:
        """The pooler that an encoder asks for: of the last token if it ``ends_with_summary``."""
        last = getattr(encoder, "ends_with_summary", False)
        return cls(encoder.units, encoder.config.pooler_activation, last=last)

    def hybrid_forward(
        self, F: Any, x: Any, valid_length: Any = None, *, weight: Any, bias: Any
    ) -> Any:
        """Looks at one token alone; only the last one needs ``valid_length`` ``(N,)``."""
        if self._last:
            token = F.SequenceLast(x, valid_length, use_sequence_length=True, axis=1)
        else:
            token = F.slice_axis(x, axis=1, begin=0, end=1)
        return self.act(F.FullyConnected(token, weight, bias, num_hidden=self._units))


def decoder_of(encoder: HybridBlock) -> HybridBlock:
    """Scores of every word: what the encoder makes, else its table of words read backwards."""
    if hasattr(encoder, "make_decoder"):
        decoder: HybridBlock = encoder.make_decoder()
        return decoder
    return Dense(
        encoder.vocab_size,
        flatten=False,
        use_bias=False,
        in_units=encoder.units,
        params=encoder.tokens.collect_params(),
    )


class VocabularyDecoder(HybridBlock):
    """Scores of every word for every token, by the table of words itself.

    Args:
        config: That of the encoder.
        table: The encoder's table of words, which the last layer shares.
    """

    def __init__(self, config: Any, table: HybridBlock) -> None:
        super().__init__()
        units = config.embedding_units or config.units
        self.transform = Dense(units, flatten=False, in_units=config.units)
        self.act = activation(config.decoder_activation or config.activation)
        self.norm = LayerNorm(epsilon=config.epsilon, in_channels=units)
        self.output = Dense(
            config.vocab_size, flatten=False, in_units=units, params=table.collect_params()
        )

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, P, units)`` to ``(N, P, vocab_size)``."""
        return self.output(self.norm(self.act(self.transform(x))))


def gather_tokens(F: Any, x: Any, positions: Any) -> Any:
    """The tokens at ``positions`` ``(N, P)`` of ``x`` ``(N, T, U)``: ``(N, P, U)``."""
    positions = F.cast(positions, "float32")
    rows = F.reshape(F.contrib.arange_like(positions, axis=0), (-1, 1))
    rows = F.broadcast_add(rows, F.zeros_like(positions))
    return F.gather_nd(x, F.stack(rows, positions, axis=0))
