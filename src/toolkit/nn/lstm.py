"""LSTMs that read texts of different lengths: Hochreiter and Schmidhuber, 1997."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dropout
from mxnet.gluon.rnn import LSTM

from toolkit.nn.containers import sequence


class BidirectionalLSTM(HybridBlock):
    """Layers that read a text from both ends; what stands beyond its length changes nothing.

    MXNet's own bidirectional layer begins with the padding, and its lengths are for GPUs only.

    Args:
        units: Of a token that comes in.
        hidden: Of each direction; twice as many come out.
        layers: How many, one above the other.
        dropout: Between layers.
    """

    def __init__(self, units: int, hidden: int, *, layers: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        sizes = [units, *[2 * hidden] * (layers - 1)]
        self.forwards = sequence(*(LSTM(hidden, input_size=size) for size in sizes))
        self.backwards = sequence(*(LSTM(hidden, input_size=size) for size in sizes))
        self.dropout = Dropout(dropout)
        self.units = 2 * hidden  # of what comes out

    def hybrid_forward(self, F: Any, x: Any, valid_length: Any) -> Any:
        """Maps ``(N, T, units)`` and lengths ``(N,)`` to ``(N, T, 2 * hidden)``."""
        x = F.transpose(x, axes=(1, 0, 2))
        for number, (ahead, back) in enumerate(zip(self.forwards, self.backwards, strict=True)):
            x = self.dropout(x) if number else x
            mirrored = F.SequenceReverse(x, valid_length, use_sequence_length=True)
            mirrored = F.SequenceReverse(back(mirrored), valid_length, use_sequence_length=True)
            x = F.concat(ahead(x), mirrored, dim=2)
        return F.transpose(x, axes=(1, 0, 2))
