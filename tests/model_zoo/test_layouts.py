from __future__ import annotations

import numpy as np

from toolkit.model_zoo.layouts import Layout

LAYOUT = Layout.of(
    ["net.{i}.joint.weight", "net.{i}.out.weight"],
    [("net.{i}.joint.{*}", [f"net.{{i}}.joint.{part}.{{*}}" for part in ("query", "key")])],
    "net.",
)
ARRAYS = {
    "net.0.joint.weight": np.arange(12.0).reshape(3, 4),
    "net.0.joint.bias": np.arange(4.0),
    "net.0.out.weight": np.arange(6.0).reshape(2, 3),
    "net.0.norm.weight": np.arange(3.0),
}


def test_joined_arrays_are_taken_apart_after_they_are_transposed() -> None:
    found = LAYOUT.unpack(ARRAYS)
    whole = ARRAYS["net.0.joint.weight"].T
    np.testing.assert_array_equal(found["net.0.joint.query.weight"], whole[:2])
    np.testing.assert_array_equal(found["net.0.joint.key.weight"], whole[2:])
    np.testing.assert_array_equal(found["net.0.joint.key.bias"], [2, 3])
    np.testing.assert_array_equal(found["net.0.out.weight"], ARRAYS["net.0.out.weight"].T)
    np.testing.assert_array_equal(found["net.0.norm.weight"], ARRAYS["net.0.norm.weight"])
    assert "net.0.joint.weight" not in found


def test_they_are_put_together_again() -> None:
    back = LAYOUT.pack(LAYOUT.unpack(ARRAYS))
    assert back.keys() == ARRAYS.keys()
    for key, value in ARRAYS.items():
        np.testing.assert_array_equal(back[key], value)
        assert back[key].flags.c_contiguous


def test_a_file_may_lack_the_prefix() -> None:
    bare = {key.removeprefix("net."): value for key, value in ARRAYS.items()}
    found = LAYOUT.unpack(bare)
    np.testing.assert_array_equal(found["0.out.weight"], ARRAYS["net.0.out.weight"].T)
    np.testing.assert_array_equal(found["net.0.joint.key.bias"], [2, 3])


def test_other_arrays_stay_as_they_are() -> None:
    arrays = {"layers.0.joint": np.ones((2, 2))}
    assert LAYOUT.unpack(arrays) == LAYOUT.pack(arrays) == arrays


def test_heads_are_joined_and_taken_apart() -> None:
    layout = Layout.of(transposed=["{i}.q"], by_head=["{i}.q", "{i}.o"])
    theirs = {key: np.arange(24.0).reshape(4, 2, 3) for key in ("0.q", "0.o")}
    ours = layout.unpack(theirs)
    np.testing.assert_array_equal(ours["0.q"], np.arange(24.0).reshape(4, 6).T)
    np.testing.assert_array_equal(ours["0.o"], np.arange(24.0).reshape(4, 6))
    again = layout.pack(ours, heads=2)
    for key, value in theirs.items():
        np.testing.assert_array_equal(again[key], value)


def test_a_matrix_of_one_row_is_a_vector_here() -> None:
    layout = Layout.of(rows=["{*}bias"])
    theirs = {"final_bias": np.arange(3.0)[None], "weight": np.ones((1, 2))}
    ours = layout.unpack(theirs)
    assert {key: value.shape for key, value in ours.items()} == {
        "final_bias": (3,),
        "weight": (1, 2),
    }
    again = layout.pack(ours)
    for key, value in theirs.items():
        np.testing.assert_array_equal(again[key], value)
