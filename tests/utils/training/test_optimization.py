from __future__ import annotations

from typing import Any

import pytest

from toolkit.utils.training import Constant, Group, InEpochs, Linear, Optimization
from toolkit.utils.training.optimization import applied


@pytest.fixture
def params(kit: Any) -> dict[str, Any]:
    return kit.make_net()._collect_params_with_prefix()


def test_bias_and_norm_are_not_decayed(params: dict[str, Any]) -> None:
    with applied(Optimization(weight_decay=0.1), params):
        decayed = {key for key, param in params.items() if param.wd_mult and "running" not in key}
    assert decayed == {"0.weight", "4.weight"}


def test_all_is_decayed_where_that_is_wanted(params: dict[str, Any]) -> None:
    with applied(Optimization(undecayed=""), params):
        assert all(param.wd_mult == 1 for param in params.values())


def test_the_factors_of_all_groups_that_fit_multiply(params: dict[str, Any]) -> None:
    groups = (
        Group(r"^0\.", learning_rate=0.1, weight_decay=0.5),
        Group("weight", learning_rate=0.5),
        Group(r"^1\.", frozen=True),
    )
    with applied(Optimization(groups=groups), params):
        assert params["0.weight"].lr_mult == pytest.approx(0.05)
        assert params["0.weight"].wd_mult == pytest.approx(0.5)
        assert params["4.weight"].lr_mult == pytest.approx(0.5)
        assert [params[f"1.{name}"].grad_req for name in ("gamma", "beta")] == ["null"] * 2
        assert params["0.bias"].grad_req == "write"
    assert {(p.lr_mult, p.wd_mult) for p in params.values()} == {(1.0, 1.0)}
    assert params["1.gamma"].grad_req == "write"


def test_accumulated_gradients_are_added(params: dict[str, Any]) -> None:
    with applied(Optimization(accumulate=2), params):
        assert params["0.weight"].grad_req == "add"
        assert params["1.running_mean"].grad_req == "null"


def test_a_group_that_fits_nothing_is_refused(params: dict[str, Any]) -> None:
    optimization = Optimization(groups=(Group("0.wieght"),))
    with (
        pytest.raises(ValueError, match=r"group '0.wieght' fits no parameter; there are 0.weight"),
        applied(optimization, params),
    ):
        pass


def test_nothing_to_train_is_refused_and_leaves_no_trace(params: dict[str, Any]) -> None:
    optimization = Optimization(groups=(Group("", frozen=True),))
    with (
        pytest.raises(ValueError, match="nothing is left to be trained of 8 parameters"),
        applied(optimization, params),
    ):
        pass
    assert params["0.weight"].grad_req == "write"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"accumulate": 0}, "accumulate must be 1 or more, got 0"),
        ({"clip_norm": 0.0}, "clip_norm must be None or above 0"),
        ({"precision": "float8"}, "unknown precision 'float8'; did you mean float"),
        ({"options": {"wd": 0.1}}, r"options has \['wd'\], which the engine sets"),
    ],
)
def test_numbers_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Optimization(**options)


def test_a_number_is_a_constant_schedule() -> None:
    assert Optimization(learning_rate=0.5).schedule(10) == Constant(0.5)
    schedule = Optimization(learning_rate=InEpochs(Linear(1.0, 2))).schedule(10)
    assert schedule(10) == pytest.approx(0.5)
