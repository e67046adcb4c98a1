"""The loss of dependency trees: Dozat and Manning, 2017, https://arxiv.org/abs/1611.01734."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock


class ParsingLoss(HybridBlock):
    """Cross-entropy of each word's head, plus that of its relation to the head that it has.

    It is the mean over words; 0 where there are none.
    """

    def hybrid_forward(self, F: Any, arcs: Any, relations: Any, heads: Any, labels: Any) -> Any:
        """Gives a loss ``(1,)``.

        Args:
            F: MXNet's namespace.
            arcs: ``(N, T, T)``: scores of dependents and heads.
            relations: ``(N, T, L, T)``: scores of dependents, relations and heads.
            heads: ``(N, T)``: the place of each word's head; negative where there is no word, as at
                the root and beyond the length.
            labels: ``(N, T)``: the relation of each word; only those of words are looked at.
        """
        heads = F.cast(heads, "float32")
        words = heads >= 0
        loss = -F.pick(F.log_softmax(arcs, axis=-1), heads, axis=-1, mode="clip")
        one = F.reshape(F.slice_axis(relations, axis=3, begin=0, end=1), (0, 0, -1))
        own = F.pick(
            relations, F.broadcast_like(F.expand_dims(heads, axis=2), one), axis=3, mode="clip"
        )
        loss = loss - F.pick(F.log_softmax(own, axis=-1), labels, axis=-1, mode="clip")
        loss = F.sum(F.where(words, loss, F.zeros_like(loss)))
        return loss / F.broadcast_maximum(F.sum(words), F.ones((1,)))
