"""Residual units: He et al., 2015, https://arxiv.org/abs/1512.03385 and 2016, 1603.05027."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock

from toolkit.nn.conv import relu


class ResidualUnit(HybridBlock):
    """``relu(body(x) + shortcut(x))``, activated after the sum; without a shortcut, ``x`` itself.

    ``attention`` is applied to what the body gives.
    """

    def __init__(
        self,
        body: HybridBlock,
        shortcut: HybridBlock | None = None,
        *,
        attention: HybridBlock | None = None,
    ) -> None:
        super().__init__()
        self.body = body
        self.attention = attention
        self.shortcut = shortcut
        self.act = relu()

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, C, H, W)`` to ``(N, C', H', W')``."""
        residual = x if self.shortcut is None else self.shortcut(x)
        x = self.body(x)
        if self.attention is not None:
            x = self.attention(x)
        return self.act(residual + x)


class PreActUnit(HybridBlock):
    """``body(a) + shortcut(a)`` with ``a = relu(norm(x))``; without a shortcut, ``x`` itself.

    ``attention`` is applied to what the body gives; ``raw_shortcut`` feeds the shortcut with ``x``
    in place of ``a``.
    """

    def __init__(
        self,
        norm: HybridBlock,
        body: HybridBlock,
        shortcut: HybridBlock | None = None,
        *,
        attention: HybridBlock | None = None,
        raw_shortcut: bool = False,
    ) -> None:
        super().__init__()
        self.norm = norm
        self.act = relu()
        self.body = body
        self.attention = attention
        self.shortcut = shortcut
        self._raw_shortcut = raw_shortcut

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, C, H, W)`` to ``(N, C', H', W')``."""
        activated = self.act(self.norm(x))
        residual = x
        if self.shortcut is not None:
            residual = self.shortcut(x if self._raw_shortcut else activated)
        x = self.body(activated)
        if self.attention is not None:
            x = self.attention(x)
        if self.shortcut is None:
            # oneDNN's fusion of this sum with a convolution gives wrong results.
            return F.add_n(residual, x)
        return residual + x
