from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.deploy import measuring
from toolkit.deploy.measuring import interleaved, machine


@pytest.fixture
def candidates(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], None]]:
    """The first call of each takes long, then a takes 40, 20, 30 ms and b 10 ms."""
    now = [0.0]
    monkeypatch.setattr(measuring.time, "perf_counter", lambda: now[0])
    seconds = {"a": [9.0, 0.04, 0.02, 0.03], "b": [9.0, 0.01, 0.01, 0.01]}

    def call(name: str) -> None:
        order.append(name)
        now[0] += seconds[name].pop(0)

    order: list[str] = []
    made = {name: lambda n=name: call(n) for name in seconds}
    made["a"].order = order
    return made


def test_candidates_take_turns_and_the_first_round_does_not_count(
    candidates: dict[str, Callable[[], None]],
) -> None:
    first, second = interleaved(candidates, 3)
    assert candidates["a"].order == ["a", "b"] * 4
    assert (first.name, second.name) == ("a", "b")
    assert [first.median, first.least, first.most] == pytest.approx([30, 20, 40])
    assert (first.ratio, second.ratio) == (1, pytest.approx(3))


def test_nothing_to_compare_is_refused() -> None:
    with pytest.raises(ValueError, match="0 candidates"):
        interleaved({}, 3)
    with pytest.raises(ValueError, match="0 rounds"):
        interleaved({"a": int}, 0)


def test_the_machine_is_described() -> None:
    found = machine()
    assert found["cpu"]
    assert set(str(found["features"]).split()) <= set(measuring.FEATURES)
    assert found["cores"] >= 1
    assert str(found["mxnet"]).startswith("1.9")


def test_a_system_that_does_not_name_its_cpu(tmp_path: Path) -> None:
    assert measuring._cpu_name(tmp_path / "nothing")
    (tmp_path / "cpuinfo").write_text("processor: 0\nmodel name\t: Some CPU\n")
    assert measuring._cpu_name(tmp_path / "cpuinfo") == "Some CPU"
