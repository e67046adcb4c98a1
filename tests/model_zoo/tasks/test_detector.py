"""What all detectors have in common: other classes, and how detections are chosen."""

from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon.nn import Dense

from toolkit.model_zoo.tasks.detector import check_classes, renew, resolve_reuse

OLD = (3, ("cat", "dog", "cow"))


def test_classes_are_a_number_or_names() -> None:
    assert check_classes(4) == (4, None)
    assert check_classes(["a", "b"]) == (2, ("a", "b"))
    for wrong in (0, -1, True, "cat", [], [1, 2], 2.0):
        with pytest.raises(ValueError, match="classes must be names or a number of at least 1"):
            check_classes(wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="classes are named twice: a"):
        check_classes(["a", "b", "a"])


def test_reuse_by_name_by_index_and_by_both_names() -> None:
    new = (2, ("cow", "horse"))
    assert resolve_reuse(None, new, OLD) == {}
    assert resolve_reuse(["cow"], new, OLD) == {0: 2}
    assert resolve_reuse({"horse": "cow", "cow": 0}, new, OLD) == {1: 2, 0: 0}
    assert resolve_reuse({1: 1}, (2, None), (3, None)) == {1: 1}


def test_a_class_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match=r"old class 'cows'.*did you mean.*cow"):
        resolve_reuse({0: "cows"}, (2, None), OLD)
    with pytest.raises(ValueError, match=r"new class 'cat'"):
        resolve_reuse(["cat"], (2, ("cow", "horse")), OLD)
    with pytest.raises(ValueError, match=r"old class 3 is out of range: there are 3"):
        resolve_reuse({0: 3}, (2, None), OLD)


def test_a_renewed_layer_begins_with_the_outputs_it_is_given() -> None:
    old, new = Dense(3, in_units=4), Dense(2, in_units=4)
    old.initialize(mx.init.Normal(1))
    renew(old, new, {1: 2})
    np.testing.assert_array_equal(new.weight.data()[1].asnumpy(), old.weight.data()[2].asnumpy())
    assert not np.isin(new.weight.data()[0].asnumpy(), old.weight.data().asnumpy()).any()


def test_nothing_can_be_reused_of_a_network_that_is_not_initialized() -> None:
    with pytest.raises(ValueError, match="the network is not initialized"):
        renew(Dense(3, in_units=4), Dense(2, in_units=4), {0: 0})
    renew(Dense(3, in_units=4), fresh := Dense(2, in_units=4), {})
    fresh.initialize(mx.init.One())  # left to the user, as the rest of the network
    assert (fresh.weight.data() == 1).asnumpy().all()
