"""Number types of checkpoints: how they lie in a file, and what they are read as."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, partial

import numpy as np


@cache
def _dtype(code: str) -> np.dtype:
    return np.dtype(code)


@dataclass(frozen=True)
class Element:
    """One number of a file; what NumPy lacks a type for is widened to float32."""

    code: str  # NumPy's type code, without byte order
    widen: Callable[[np.ndarray], np.ndarray] | None = None

    def dtype(self, order: str = "<") -> np.dtype:
        """The NumPy type of the stored bits in the byte order ``<`` or ``>``."""
        return _dtype(f"{order}{self.code}")

    @cached_property
    def size(self) -> int:
        """Bytes of one stored number."""
        return np.dtype(self.code).itemsize


def _widen_bfloat16(bits: np.ndarray) -> np.ndarray:
    wide = bits.astype(np.uint32)  # bfloat16 is the upper half of a float32
    wide <<= 16
    return wide.view(np.float32)


@cache
def _float8_values(exponent_bits: int, bias: int, special: str) -> np.ndarray:
    """The 256 values of an 8-bit float with a sign; ``special`` tells its infinities and NaNs."""
    code = np.arange(256)
    mantissa_bits = 7 - exponent_bits
    exponent = (code >> mantissa_bits) & ((1 << exponent_bits) - 1)
    mantissa = (code & ((1 << mantissa_bits) - 1)).astype(np.float64)
    mantissa += np.where(exponent > 0, 1 << mantissa_bits, 0)
    value = np.ldexp(mantissa, np.maximum(exponent, 1) - bias - mantissa_bits)
    value[128:] *= -1
    if special == "ieee":
        top = code[exponent == exponent.max()]
        value[top] = np.nan
        value[top[:: 1 << mantissa_bits]] = [np.inf, -np.inf]
    elif special == "fn":  # finite: the top code of either sign is the only NaN
        value[[0x7F, 0xFF]] = np.nan
    else:  # "fnuz": no negative zero, its code is the only NaN
        value[0x80] = np.nan
    return value.astype(np.float32)


@cache
def _power_values() -> np.ndarray:
    """The 256 powers of two of the exponent-only type E8M0; 255 is NaN."""
    value = np.ldexp(1.0, np.arange(256) - 127)
    value[255] = np.nan
    return value.astype(np.float32)


def _widen_float8(codes: np.ndarray, exponent_bits: int, bias: int, special: str) -> np.ndarray:
    return _float8_values(exponent_bits, bias, special)[codes]


def _widen_power(codes: np.ndarray) -> np.ndarray:
    return _power_values()[codes]


ELEMENTS: dict[str, Element] = {
    "float64": Element("f8"),
    "float32": Element("f4"),
    "float16": Element("f2"),
    "int64": Element("i8"),
    "int32": Element("i4"),
    "int16": Element("i2"),
    "int8": Element("i1"),
    "uint64": Element("u8"),
    "uint32": Element("u4"),
    "uint16": Element("u2"),
    "uint8": Element("u1"),
    "bool": Element("?"),
    "complex64": Element("c8"),
    "complex128": Element("c16"),
    "bfloat16": Element("u2", _widen_bfloat16),
    "float8_e4m3fn": Element("u1", partial(_widen_float8, exponent_bits=4, bias=7, special="fn")),
    "float8_e4m3fnuz": Element(
        "u1", partial(_widen_float8, exponent_bits=4, bias=8, special="fnuz")
    ),
    "float8_e5m2": Element("u1", partial(_widen_float8, exponent_bits=5, bias=15, special="ieee")),
    "float8_e5m2fnuz": Element(
        "u1", partial(_widen_float8, exponent_bits=5, bias=16, special="fnuz")
    ),
    "float8_e8m0fnu": Element("u1", _widen_power),
}
