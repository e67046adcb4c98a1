from __future__ import annotations

import numpy as np
import pytest

from toolkit.utils.checkpoints.elements import ELEMENTS

EIGHT_BITS = [name for name in ELEMENTS if name.startswith("float8")]


def test_five_8_bit_floats_are_known() -> None:
    assert len(EIGHT_BITS) == 5


@pytest.mark.parametrize("name", [*EIGHT_BITS, "bfloat16"])
def test_widening_equals_an_outside_implementation(name: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    element = ELEMENTS[name]
    codes = np.arange(256**element.size).astype(element.dtype("="))
    assert element.widen is not None
    values = element.widen(codes)
    assert values.dtype == np.float32
    expected = codes.view(getattr(ml_dtypes, name)).astype(np.float32)
    np.testing.assert_array_equal(np.isnan(values), np.isnan(expected))
    sound = ~np.isnan(expected)
    assert values[sound].tobytes() == expected[sound].tobytes()  # signs of zeros as well


@pytest.mark.parametrize(
    ("name", "code", "value"),
    [
        ("bfloat16", 0x3F80, 1.0),
        ("bfloat16", 0xC049, -3.140625),
        ("float8_e4m3fn", 0x7E, 448.0),
        ("float8_e4m3fn", 0x01, 2.0**-9),
        ("float8_e4m3fnuz", 0x7F, 240.0),
        ("float8_e5m2", 0x7B, 57344.0),
        ("float8_e5m2", 0xFC, -np.inf),
        ("float8_e5m2fnuz", 0x7F, 57344.0),
        ("float8_e8m0fnu", 0x80, 2.0),
    ],
)
def test_known_values(name: str, code: int, value: float) -> None:
    element = ELEMENTS[name]
    assert element.widen is not None
    assert element.widen(np.array([code], element.code))[0] == value


def test_widening_keeps_the_shape() -> None:
    for element in ELEMENTS.values():
        if element.widen is not None:
            assert element.widen(np.zeros((2, 0, 3), element.code)).shape == (2, 0, 3)


@pytest.mark.parametrize("name", sorted(ELEMENTS))
def test_byte_orders(name: str) -> None:
    element = ELEMENTS[name]
    for order in "<>":
        assert element.dtype(order).itemsize == element.size
        assert element.size == 1 or element.dtype(order).newbyteorder() != element.dtype(order)
