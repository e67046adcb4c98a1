"""Convolution that looks where it wants: Dai et al., 2017, and Zhu et al., 2018."""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Conv2D

DEFAULTS = {"offset_groups": 1, "use_bias": True, "weight_initializer": None, "sampled": True}


class DeformableConv(HybridBlock):
    """A convolution whose taps move, pixel by pixel, and are weighted, by what it learns to.

    A plain convolution of the input gives, for each tap of each output pixel, how far it moves (y,
    then x, in pixels) and, where ``modulated``, how much it counts, between 0 and 2. It begins with
    zeros: taps in their places, each counting 1. The second version, modulated:
    https://arxiv.org/abs/1811.11168; the first: https://arxiv.org/abs/1703.06211. It takes the
    place of a ``Conv2D``: the arguments are the same.

    MXNet's own operator has no gradient on CPUs; bilinear sampling has, and gives the same.

    Args:
        channels: Channels of the output.
        kernel_size: Side of the kernel, or height and width.
        strides: Of the output's pixels, in pixels of the input.
        padding: Zeros around the input.
        dilation: Pixels from one tap to the next, before they move.
        in_channels: Channels of the input.
        modulated: Taps are weighted, too.
        **options: ``offset_groups``, how many groups of channels move each on its own (1);
            ``use_bias`` (True); ``weight_initializer``; ``sampled`` (True): False for MXNet's own
            operator, which takes about two thirds of the time and less memory, but is right for
            modulated taps of one group alone.

    Raises:
        TypeError: there is no such option.
        ValueError: the channels do not divide into that many groups, or the operator is asked for
            what it gets wrong.
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int | tuple[int, int],
        *,
        strides: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        in_channels: int,
        modulated: bool = True,
        **options: Any,
    ) -> None:
        super().__init__()
        options = {**DEFAULTS, **options}
        alien = sorted(options.keys() - DEFAULTS.keys())
        if alien:
            raise TypeError(f"a deformable convolution has no option {', '.join(alien)}")
        groups = options["offset_groups"]
        if in_channels % groups:
            raise ValueError(f"{in_channels} channels do not divide into {groups} groups")
        if not options["sampled"] and (groups > 1 or not modulated):
            raise ValueError("sampled=False is for modulated taps of one group")
        kernel, stride, pad, dilate = map(_pair, (kernel_size, strides, padding, dilation))
        taps = groups * kernel[0] * kernel[1]
        self._moves = 2 * taps
        self._modulated, self._sampled = modulated, options["sampled"]
        self._options = {
            "kernel": kernel,
            "stride": stride,
            "pad": pad,
            "dilate": dilate,
            "num_filter": channels,
            "num_deformable_group": groups,
            "no_bias": not options["use_bias"],
        }
        self.offset = Conv2D(
            taps * (3 if modulated else 2),
            kernel,
            strides=stride,
            padding=pad,
            dilation=dilate,
            in_channels=in_channels,
            weight_initializer="zeros",
        )
        self.weight = self.params.get(
            "weight", shape=(channels, in_channels, *kernel), init=options["weight_initializer"]
        )
        self.bias = None
        if options["use_bias"]:
            self.bias = self.params.get("bias", shape=(channels,), init="zeros")

    def hybrid_forward(self, F: Any, x: Any, weight: Any, bias: Any = None) -> Any:
        """Maps ``(N, in_channels, H, W)`` to ``(N, channels, H', W')``."""
        found = self.offset(x)
        moves = F.slice_axis(found, axis=1, begin=0, end=self._moves)
        counts = None
        if self._modulated:
            logits = F.slice_axis(found, axis=1, begin=self._moves, end=None)
            counts = F.Activation(logits, act_type="sigmoid") * 2
        further = () if bias is None else (bias,)
        if self._sampled:
            taps = self._sample(F, x, moves, counts)
            options = {"kernel": (1, 1), **{k: self._options[k] for k in ("num_filter", "no_bias")}}
            return F.Convolution(taps, F.reshape(weight, (0, -1, 1, 1)), *further, **options)
        operator = F.contrib.ModulatedDeformableConvolution
        return operator(x, moves, counts, weight, *further, **self._options)

    def _sample(self, F: Any, x: Any, moves: Any, counts: Any) -> Any:
        """What the taps of each output pixel see: ``(N, in_channels * taps, H', W')``."""
        groups, kernel = self._options["num_deformable_group"], self._options["kernel"]
        count = kernel[0] * kernel[1]
        # A rim of the zeros that lie around the image: the sampler cannot scale a single pixel.
        x = F.pad(x, mode="constant", pad_width=(0, 0, 0, 0, 1, 1, 1, 1), constant_value=0)
        results = []
        for group in range(groups):
            share = {"axis": 1, "begin": group * count, "end": (group + 1) * count}
            own = F.slice_axis(moves, axis=1, begin=2 * share["begin"], end=2 * share["end"])
            grid = F.stack(*(self._places(F, x, own, axis) for axis in (3, 2)), axis=1)
            channels = x
            if groups > 1:
                channels = F.split(x, groups, axis=1)[group]
            seen = F.BilinearSampler(channels, F.reshape(grid, (0, 0, -3, 0)))
            seen = F.reshape(seen, (0, 0, -4, count, -1, 0))
            if counts is not None:
                seen = F.broadcast_mul(seen, F.expand_dims(F.slice_axis(counts, **share), 1))
            results.append(F.reshape(seen, (0, -3, 0, 0)))
        return F.concat(*results, dim=1) if groups > 1 else results[0]

    def _places(self, F: Any, x: Any, moves: Any, axis: int) -> Any:
        """Where taps look along an axis of ``x``, from -1 to 1: ``(N, taps, H', W')``."""
        vertical = axis == 2
        index = 0 if vertical else 1
        stride, pad, dilate = (self._options[k][index] for k in ("stride", "pad", "dilate"))
        height, width = self._options["kernel"]
        tap = F.reshape(F.arange(height * width), (1, -1, 1, 1))
        row = F.floor((tap + 0.5) / width)
        steps = (row if vertical else tap - row * width) * dilate
        shape = (1, 1, -1, 1) if vertical else (1, 1, 1, -1)
        pixels = F.reshape(F.contrib.arange_like(moves, axis=axis), shape) * stride
        start = F.broadcast_add(pixels, steps) + (1 - pad)
        pairs = F.reshape(moves, (0, -4, -1, 2, 0, 0))
        move = F.reshape(F.slice_axis(pairs, axis=2, begin=index, end=index + 1), (0, 0, -3, 0))
        last = F.reshape(F.max(F.contrib.arange_like(x, axis=axis)), (1, 1, 1, 1))
        return F.broadcast_div(F.broadcast_add(move, start), last) * 2 - 1


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)  # type: ignore[return-value]
