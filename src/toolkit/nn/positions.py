"""Where tokens stand, said by sines and cosines: Vaswani et al., 2017, section 3.5.

https://arxiv.org/abs/1706.03762.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from mxnet.gluon import HybridBlock

from toolkit.nn.masks import steps_of
from toolkit.utils.registry import unknown


def from_the_end(F: Any, tokens: Any) -> Any:
    """How far each token is from the last one, at most 0, as float32: ``(T,)``."""
    steps = steps_of(F, tokens)
    return F.broadcast_sub(steps, F.max(steps, axis=0, keepdims=True))


class SinusoidalPositions(HybridBlock):
    """Adds to each unit a wave over the places, of a wavelength that grows from unit to unit.

    There are no parameters and no longest text. Angles are float32: at place 500 a wave is off by
    up to 5e-5.

    Args:
        units: Units of the tokens.
        layout: A name in ``LAYOUTS``: which units get which wave.

    Raises:
        ValueError: no such layout, or units that are odd.
    """

    def __init__(self, units: int, *, layout: str) -> None:
        super().__init__()
        if layout not in LAYOUTS:
            raise ValueError(unknown("layout of positions", layout, LAYOUTS))
        if units % 2:
            raise ValueError(f"sines and cosines need an even number of units, got {units}")
        self._units = units
        self._waves = LAYOUTS[layout]

    def hybrid_forward(self, F: Any, x: Any, source: Any) -> Any:
        """Maps ``(N, T, units)`` to the same shape; the last T of ``source`` ``(N, S)`` are ``x``.

        Of ``source`` the length alone is looked at.
        """
        last = F.max(steps_of(F, source), axis=0, keepdims=True)
        places = F.reshape(F.broadcast_add(from_the_end(F, x), last), (-1, 1))
        columns = F.reshape(F.contrib.arange_like(x, axis=2), (1, -1))
        waves = F.BlockGrad(self._waves(F, places, columns, self._units))
        return F.broadcast_add(x, F.expand_dims(waves, axis=0))


def halves(F: Any, places: Any, columns: Any, units: int) -> Any:
    """Sines in the first half of the units, cosines of the same angles in the second: Marian's."""
    columns = F.slice_axis(columns, axis=1, begin=0, end=units // 2)
    angles = F.broadcast_mul(places, 10000.0 ** (columns * (-2.0 / units)))
    return F.concat(F.sin(angles), F.cos(angles), dim=1)


def columns_apart(F: Any, places: Any, columns: Any, units: int) -> Any:
    """Sines in even units, cosines in odd ones, each of a wavelength of its own: GluonNLP's.

    In the paper a sine and its cosine share one.
    """
    angles = F.broadcast_mul(places, 10000.0 ** (columns * (-2.0 / units)))
    odd = columns - 2 * F.floor(columns / 2)
    return F.broadcast_mul(F.sin(angles), 1 - odd) + F.broadcast_mul(F.cos(angles), odd)


Waves = Callable[[Any, Any, Any, int], Any]
LAYOUTS: Mapping[str, Waves] = MappingProxyType({"halves": halves, "columns": columns_apart})
