"""`toolkit deploy-info`: for people, cmake, shells and programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from toolkit.cli import deploy_info as module
from toolkit.cli.deploy_info import deploy_info
from toolkit.deploy.consumers import DeployInfo

INFO = DeployInfo(
    version="1.9.1",
    library=Path("/some where/libmxnet.so"),
    include=Path("/some where/include"),
    rpath=Path("/some where"),
    maven="group:artifact:1",
    environment={"OMP_NUM_THREADS": "2", "MXNET_LIBRARY_PATH": "/some where/libmxnet.so"},
)


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(module), "find", lambda: INFO)


def run(*words: str) -> Result:
    return CliRunner().invoke(deploy_info, words)


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (
            ("--cmake",),
            "'-DMXNET_INCLUDE_DIR=/some where/include' "
            "'-DMXNET_LIBRARY=/some where/libmxnet.so'\n",
        ),
        (
            ("--env",),
            "export OMP_NUM_THREADS=2\n"
            "export MXNET_LIBRARY_PATH='/some where/libmxnet.so'\n",
        ),
    ],
)  # fmt: skip
def test_forms_for_other_programs(words: tuple[str, ...], printed: str) -> None:
    result = run(*words)
    assert result.exit_code == 0
    assert result.stdout == printed


def test_json() -> None:
    assert json.loads(run("--json").stdout) == INFO.to_dict()


def test_a_table_for_people() -> None:
    text = run().stdout
    assert "/some where/libmxnet.so" in text
    assert "group:artifact:1" in text
    assert "OMP_NUM_THREADS 2" in text


def test_one_form_at_a_time() -> None:
    result = run("--cmake", "--json")
    assert result.exit_code == 2
    assert "--cmake and --json" in result.output
